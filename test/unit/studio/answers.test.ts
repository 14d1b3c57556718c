/** What the conversation makes of messages, turns and questions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldEvents, initialTurnView, type Message, type TurnEvent } from '../../../client/src/index.ts';
import { ERROR_CODES } from '../../../contracts/errors.ts';
import { describeDecision } from '../../../studio/src/conversation/describe-decision.ts';
import { toEntries } from '../../../studio/src/conversation/entries.ts';
import { compareAssets } from '../../../studio/src/conversation/field-changes.ts';
import { formatCost, formatDuration, sumUsage } from '../../../studio/src/text/numbers.ts';
import { toAnswer } from '../../../studio/src/conversation/to-answer.ts';
import { adviceFor } from '../../../studio/src/conversation/problems.ts';

const message = (id: string, role: Message['role'], turnId: string | null): Message => ({
  id,
  session_id: 's',
  role,
  content: id,
  workflow_diff: null,
  pre_snapshot: null,
  change: null,
  created_at: '2026-01-01T00:00:00.000Z',
  turn_id: turnId,
  status: 'complete',
  model: null,
  tool_calls: [],
  usage: null,
});
const START: TurnEvent = {
  event: 'start',
  seq: 1,
  turn_id: 't',
  session_id: 's',
  user_message_id: 'u',
  message_id: 'a',
  model: 'm',
};

test('a turn stands once, with the same keys before its first event, while it runs and once it is stored', () => {
  const view = foldEvents(initialTurnView(), START);
  const own = message('u', 'user', 't');
  const answer = message('a', 'assistant', 't');
  const base = { turnId: 't', turnMessage: 'hello' };
  const keys = [
    toEntries({ ...base, messages: [], turn: null }),
    toEntries({ ...base, messages: [], turn: view }),
    toEntries({ ...base, messages: [own], turn: view }),
    toEntries({ ...base, messages: [own, answer], turn: view }),
    toEntries({ messages: [own, answer], turn: null, turnId: null, turnMessage: null }),
  ].map((entries) => entries.map(({ key }) => key));
  for (const shown of keys) assert.deepEqual(shown, ['user t', 'assistant t']);
});

test('a call that asks a person says so until the decision', () => {
  const call: TurnEvent = {
    event: 'tool_call',
    seq: 2,
    name: 'manage_project_asset',
    arguments: {},
    call_id: 'c',
    step: 1,
    tool_call: { id: 'c', name: 'manage_project_asset' },
  };
  const asked: TurnEvent = {
    event: 'confirmation_required',
    seq: 3,
    call_id: 'c',
    name: 'manage_project_asset',
    arguments: {},
    summary: 'Create agent A',
    before: null,
    after: {},
    expires_at: '2026-01-02T00:00:00.000Z',
  };
  const decided: TurnEvent = {
    event: 'confirmation_resolved',
    seq: 4,
    call_id: 'c',
    decision: 'approved',
  };
  let view = foldEvents(initialTurnView(), START);
  const states = [call, asked, decided].map((event) => {
    view = foldEvents(view, event);
    return toAnswer(null, view).calls[0]?.state;
  });
  assert.deepEqual(states, ['running', 'asking', 'running']);
});

test('every code of a failed turn has its advice', () => {
  const unknown = adviceFor(null);
  for (const code of ERROR_CODES) assert.notEqual(adviceFor(code), unknown, code);
  assert.equal(adviceFor('constructor'), unknown);
});

test('a question shows the lines that differ, and names what stays', () => {
  const { changes, same } = compareAssets(
    { name: 'A', prompt: 'one\ntwo\nthree\nfour\nfive\nsix', old: 1 },
    { name: 'A', prompt: 'one\ntwo\nthree\nFOUR\nfive\nsix', extra: { b: 1 } },
  );
  assert.deepEqual(same, ['name']);
  assert.deepEqual(
    changes.map(({ field, kind }) => [field, kind]),
    [
      ['prompt', 'changed'],
      ['old', 'removed'],
      ['extra', 'added'],
    ],
  );
  assert.deepEqual(
    changes[0]?.lines.map(({ sign, text }) => sign + text),
    [' … 1 equal line', ' two', ' three', '−four', '+FOUR', ' five', ' six'],
  );
});

test('a decision is told with whoever made it', () => {
  const asked = {
    callId: 'c',
    name: 'manage_project_asset',
    arguments: {},
    summary: '',
    before: null,
    after: null,
    expiresAt: '',
  };
  const own = { approved: true, state: 'taken', problem: null } as const;
  assert.match(describeDecision({ ...asked, decision: 'approved' }, own).words, /by you/);
  assert.match(describeDecision({ ...asked, decision: 'approved' }, undefined).words, /another/);
  assert.match(
    describeDecision({ ...asked, decision: 'rejected', reason: 'cancelled' }, undefined).words,
    /turn was cancelled/,
  );
  assert.match(
    describeDecision({ ...asked, decision: 'rejected', reason: 'a\u202E' }, own).words,
    /a\[U\+202E\]/,
  );
  assert.match(describeDecision({ ...asked, decision: 'expired' }, undefined).words, /Expired/);
  assert.match(describeDecision(asked, undefined).words, /ended before/);
});

test('costs, tokens and times as people read them', () => {
  const usage = { calls: 1, input_tokens: 100, cached_tokens: 0, output_tokens: 20, reasoning_tokens: 0 };
  assert.deepEqual(sumUsage([{ ...usage, cost_usd: null }, null]), { tokens: 120, cost: null });
  assert.equal(
    sumUsage([
      { ...usage, cost_usd: '0.5' },
      { ...usage, cost_usd: '0.25' },
    ]).cost,
    0.75,
  );
  assert.equal(formatCost(0.00046), '$0.00046');
  assert.equal(formatCost(1.5), '$1.50');
  assert.equal(formatDuration(125_000), '2:05');
  assert.equal(formatDuration(86_340_000), '23 h 59 min');
});
