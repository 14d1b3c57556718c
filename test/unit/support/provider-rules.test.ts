/** The rules by which the tests' provider refuses: they must bite, or the suites over them say nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalOf } from '../../support/provider-rules.ts';

const tool = { type: 'function', name: 't', parameters: { type: 'object' }, strict: false };
const call = { type: 'function_call', call_id: 'c', name: 't', arguments: '{}' };
const result = { type: 'function_call_output', call_id: 'c', output: 'r' };
const reasoning = { type: 'reasoning', summary: [], encrypted_content: 'x' };
const hi = { role: 'user', content: 'Hi' };
const responses = (model: string, extra: object = {}) =>
  refusalOf('/v1/responses', { model, input: [hi], ...extra });
const chat = (model: string, extra: object = {}) =>
  refusalOf('/v1/chat/completions', { model, messages: [hi], ...extra });
const text = (value: string) => ({ type: 'text', text: value });
const use = { type: 'tool_use', id: 'u', name: 't', input: {} };
const answer = { type: 'tool_result', tool_use_id: 'u', content: 'r' };
const claude = (messages: object[], extra: object = {}) =>
  refusalOf('/v1/messages', { model: 'claude', max_tokens: 10, messages, ...extra });
const user = (...content: object[]) => ({ role: 'user', content });
const assistant = (...content: object[]) => ({ role: 'assistant', content });

test('what is right is taken', () => {
  assert.equal(responses('gpt-5.2', { temperature: 0.7, include: ['reasoning.encrypted_content'] }), null);
  assert.equal(responses('o3', { include: ['reasoning.encrypted_content'] }), null);
  assert.equal(responses('gpt-4o', { input: [hi, call, result], tools: [tool], tool_choice: 'auto' }), null);
  assert.equal(responses('gpt-5.2', { input: [hi, reasoning, call, result] }), null);
  const said = { type: 'message', id: 'm', role: 'assistant', status: 'completed' };
  const parts = { ...said, content: [{ type: 'output_text', text: 'a', annotations: [] }] };
  const asked = { role: 'user', content: [{ type: 'input_text', text: 'Hi' }] };
  assert.equal(
    responses('gpt-5.2', { input: [asked, parts, call, { ...result, status: 'completed' }] }),
    null,
  );
  assert.equal(chat('gpt-4o', { temperature: 0.7, stream_options: { include_usage: true } }), null);
  assert.equal(claude([user(text('Hi')), assistant(text('a'), use), user(answer, text('b'))]), null);
});

test('what a provider refuses is refused', () => {
  const refused = [
    responses('o3', { temperature: 0.7 }),
    responses('o4-mini', { parallel_tool_calls: false, tools: [tool] }),
    responses('gpt-4o', { include: ['reasoning.encrypted_content'] }),
    responses('gpt-4.1', { reasoning: { effort: 'low' } }),
    responses('gpt-5.2', { temperature: 0.7, reasoning: { effort: 'low' } }),
    responses('gpt-5.2', { messages: [] }),
    responses('gpt-5.2', { tool_choice: 'auto' }),
    responses('gpt-5.2', { tools: [{ ...tool, strict: undefined }] }),
    responses('gpt-5.2', { tools: [{ ...tool, strict: true }] }),
    responses('gpt-5.2', { tools: [{ ...tool, name: 'a b' }] }),
    responses('gpt-5.2', { input: [hi, call] }),
    responses('gpt-5.2', { input: [hi, result] }),
    responses('gpt-5.2', { input: [hi, reasoning] }),
    responses('gpt-5.2', { input: [{ role: 'user', content: [text('Hi')] }] }),
    chat('o3', { temperature: 0.7 }),
    chat('gpt-4o', { store: true, unknown: 1 }),
    chat('gpt-4o', { messages: [hi, { role: 'tool', tool_call_id: 'c', content: 'r' }] }),
    chat('gpt-4o', { messages: [hi, { role: 'assistant', content: null }] }),
    claude([user(text('Hi'))], { temperature: 0.7 }),
    claude([user(text(' '))]),
    claude([user()]),
    claude([assistant(text('a')), user(text('b'))]),
    claude([user(text('Hi')), assistant(text('a'))]),
    claude([user(text('Hi')), assistant(use), user(text('b'))]),
    claude([user(text('Hi')), assistant(use), user(text('b'), answer)]),
    claude([user(text('Hi')), user(answer)]),
    claude([
      user(...Array.from({ length: 5 }, () => ({ ...text('a'), cache_control: { type: 'ephemeral' } }))),
    ]),
    claude([user(text('Hi'))], { tool_choice: { type: 'auto' } }),
  ];
  refused.forEach((refusal, at) => assert.ok(refusal !== null, `case ${at}`));
});
