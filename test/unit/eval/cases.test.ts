/** The cases of the eval: each is recorded, and none passes when the copilot does nothing. */
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AssetState, Outcome, TurnOutcome } from '../../../eval/case.ts';
import { CASES } from '../../../eval/cases/index.ts';
import { judge } from '../../../eval/checks/judge.ts';
import { faultsOf } from '../../../eval/checks/sound-graph.ts';
import { readRecording } from '../../../eval/recorded-model/recording.ts';

const ROOM = join(import.meta.dirname, '../../../eval');
const agent = (name: string, model: string, knowledgeBases: string[] = []) => ({
  id: name,
  name,
  model,
  systemPrompt: '',
  settings: {},
  knowledgeBases,
});
/** The assets of the project as they are before a case. */
const PROJECT: AssetState = {
  agents: [
    agent('Order Analyst', 'gpt-5.2'),
    agent('Review Reader', 'gpt-4o'),
    agent('Support Writer', 'gpt-4.1', ['Shop Handbook']),
  ],
  knowledgeBases: [
    { id: 'catalogue', name: 'Product Catalogue', description: '', sources: ['products.csv'] },
    { id: 'handbook', name: 'Shop Handbook', description: '', sources: ['returns.md', 'shipping.pdf'] },
  ],
  orchestrations: [
    {
      id: 'team',
      name: 'Support Team',
      strategy: 'supervisor',
      members: ['Review Reader', 'Support Writer'],
    },
  ],
  workflows: [],
};

test('there are more than sixty cases, each with a name of its own', () => {
  assert.ok(CASES.length > 60);
  assert.equal(new Set(CASES.map(({ id }) => id)).size, CASES.length);
  for (const { id } of CASES) assert.match(id, /^[a-z]+(-[a-z]+)+$/);
});

test('every case has recorded answers for each of its turns, and every recording has a case', () => {
  for (const { id, turns } of CASES) {
    const recording = readRecording(id);
    assert.equal(recording.turns.length, turns.length, id);
    for (const steps of recording.turns) {
      assert.ok(steps.at(-1)!.text, `${id}: a turn ends with an answer`);
      assert.equal(steps.at(-1)!.calls, undefined, `${id}: the last answer of a turn calls nothing`);
      for (const step of steps.slice(0, -1)) assert.ok(step.calls, `${id}: only the last answer ends a turn`);
    }
  }
  assert.deepEqual(
    globSync('recorded/*.json', { cwd: ROOM }).sort(),
    CASES.map(({ id }) => join('recorded', `${id}.json`)).sort(),
  );
});

test('no case passes when the copilot says "Done." and does nothing', () => {
  for (const evalCase of CASES) {
    const turn = (): TurnOutcome => ({
      before: evalCase.graph,
      proposed: evalCase.graph,
      answer: 'Done.',
      calls: [],
      questions: [],
      diff: null,
      stopReason: 'done',
      error: null,
      usage: null,
      streamFaults: [],
      ms: 1,
    });
    const outcome: Outcome = {
      before: evalCase.graph,
      after: evalCase.graph,
      turns: evalCase.turns.map(turn),
      assets: PROJECT,
    };
    assert.notDeepEqual(judge(evalCase, outcome), [], evalCase.id);
  }
});

test('the workflows in which cases begin have no fault that a change could be blamed for', () => {
  for (const { id, graph } of CASES) assert.deepEqual(faultsOf(graph), [], id);
});
