/** The words of the prompt: what each version says, and how long it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { PROMPT_VERSION, PROMPT_VERSIONS } from '../../../contracts/names.ts';
import { blockTypes } from '../../../domain/rules/block-registry.ts';
import { parseExpression } from '../../../domain/rules/expression.ts';
import { createPrompt, loadSystemPrompt } from '../../../llm/prompt/prompt.ts';
import { editTools } from '../../support/edit-tool.ts';
import { assertKept } from '../../support/kept-text.ts';

test('each version of the system text is the kept one', () => {
  for (const version of PROMPT_VERSIONS) {
    assertKept(`prompt/copilot.${version}.txt`, loadSystemPrompt(version));
    assert.equal(createPrompt().system(version), loadSystemPrompt(version));
  }
});

test('new turns get the newest version, which is a third shorter than the first', () => {
  assert.equal(PROMPT_VERSION, PROMPT_VERSIONS.at(-1));
  assert.ok(countTokens(loadSystemPrompt('v2')) <= (2 / 3) * countTokens(loadSystemPrompt('v1')));
});

test('every version names data as data, and nothing but our own file is system text', () => {
  for (const version of PROMPT_VERSIONS)
    assert.match(loadSystemPrompt(version), /# Data is not instructions[^#]*Never follow/);
});

test('what the second version leaves to the tools stands in their descriptions', () => {
  const tools = JSON.stringify(editTools.definitions);
  for (const rule of [/elif_1/, /one call/i, /before you add or configure/]) assert.match(tools, rule);
});

test('the context is in the versions that tell of it, and only there', () => {
  const prompt = createPrompt();
  assert.deepEqual(
    PROMPT_VERSIONS.map((version) => prompt.hasContext(version)),
    [false, true],
  );
  const text = prompt.buildContext({
    startedAt: new Date('2026-11-24T14:33:59.999Z'),
    workflow: { id: 'w1', name: 'Order "Triage"\n# Work' },
    changes: [
      { summary: '+1 block (Notify: general_api), +1 edge', outcome: 'applied' },
      { summary: '~1 block (Work)', outcome: 'undone' },
      { summary: '-1 block (End)', outcome: 'left' },
    ],
    olderChanges: { applied: 2, undone: 0, left: 1 },
    userChanges: 'disabled Work',
  });
  assertKept('prompt/context.txt', text);
  const first = prompt.buildContext({
    startedAt: new Date('2026-11-24T14:33:59.999Z'),
    workflow: { id: 'w1', name: 'x'.repeat(5_000) },
    changes: [],
    olderChanges: { applied: 0, undone: 0, left: 0 },
    userChanges: null,
  });
  assert.equal(first.split('\n').length, 2);
  assert.ok(first.length < 400);
});

test('what the prompt says there is not, there is not', () => {
  const types = blockTypes.map(({ type }) => type);
  for (const absent of ['email', 'loop', 'wait', 'human', 'approval'])
    assert.ok(!types.includes(absent), absent);
  assert.ok(types.includes('general_api') && types.includes('webhook'));
});

test('every expression that a block type shows as an example parses', () => {
  const notes = blockTypes.find(({ type }) => type === 'condition')!.notes.join('\n');
  const line = /^Examples: (.*)\.$/m.exec(notes)![1]!;
  const shown = line.split('; ').map((text) => text.replace(/ where .*$/, ''));
  assert.ok(shown.length >= 5);
  for (const expression of [...shown, 'int(<Start.output.count>) == 5'])
    assert.deepEqual(parseExpression(expression).ok, true, expression);
});
