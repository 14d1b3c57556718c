/** Each check of the eval refuses what it is there for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Graph } from '../../../client/src/index.ts';
import type { CallOutcome, Check, Outcome, TurnOutcome } from '../../../eval/case.ts';
import {
  AS_BEFORE,
  between,
  config,
  count,
  FAULTLESS,
  has,
  hasNo,
  leads,
  NO_CHANGE,
  othersUntouched,
  trigger,
  untouched,
  wired,
} from '../../../eval/checks/graph.ts';
import { SOUND } from '../../../eval/checks/sound.ts';
import { faultsOf } from '../../../eval/checks/sound-graph.ts';
import {
  ASKS,
  called,
  confirmed,
  mentions,
  neverSays,
  notCalled,
  refusedAtMost,
} from '../../../eval/checks/talk.ts';
import { type BlockFixture, flow } from '../../../eval/project/flow.ts';
import { CHECKS, SUPPORT, TRIAGE, UNFINISHED } from '../../../eval/project/graphs.ts';

const turnOf = (change: Partial<TurnOutcome> = {}): TurnOutcome => ({
  before: TRIAGE,
  proposed: TRIAGE,
  answer: 'Fine.',
  calls: [],
  questions: [],
  diff: null,
  stopReason: 'done',
  error: null,
  usage: null,
  streamFaults: [],
  ms: 1,
  ...change,
});
const outcomeOf = (after: Graph, turn: Partial<TurnOutcome> = {}, before: Graph = TRIAGE): Outcome => ({
  before,
  after,
  turns: [turnOf(turn)],
  assets: { agents: [], knowledgeBases: [], orchestrations: [], workflows: [] },
});
const holds = (check: Check, outcome: Outcome): void => assert.equal(check.fault(outcome), null, check.says);
const fails = (check: Check, outcome: Outcome): void =>
  assert.notEqual(check.fault(outcome), null, check.says);
const call = (change: Partial<CallOutcome>): CallOutcome => ({
  name: 'modify_workflow',
  arguments: {},
  result: '{}',
  isError: false,
  ...change,
});

test('a fault of a graph is found, and a sound graph has none', () => {
  for (const graph of [TRIAGE, SUPPORT, CHECKS]) assert.deepEqual(faultsOf(graph), []);
  const [a, b]: [string, string] = ['starter', 'code'];
  const start: BlockFixture = [a, 'Start', { input: {} }, [0, 0]];
  const faulty: [RegExp, Graph][] = [
    [/2 triggers/, flow('t', [start, [a, 'Other', {}, [0, 1]]], [])],
    [
      /cycle/,
      flow(
        't',
        [
          [b, 'A', {}, [0, 0]],
          [b, 'B', {}, [0, 1]],
        ],
        [
          ['A', 'B'],
          ['B', 'A'],
        ],
      ),
    ],
    [/into the trigger/, flow('t', [start, [b, 'A', {}, [0, 1]]], [['A', 'Start']])],
    [
      /leaves a response/,
      flow(
        't',
        [
          ['response', 'R', {}, [0, 0]],
          [b, 'A', {}, [0, 1]],
        ],
        [['R', 'A']],
      ),
    ],
    [/has a handle/, flow('t', [start, [b, 'A', {}, [0, 1]]], [['Start', 'A', 'if']])],
    [
      /none of the handles/,
      flow(
        't',
        [
          ['split', 'S', { branches: 2 }, [0, 0]],
          [b, 'A', {}, [0, 1]],
        ],
        [['S', 'A', '3']],
      ),
    ],
    [
      /none of the handles/,
      flow(
        't',
        [
          ['split', 'S', { branches: 2 }, [0, 0]],
          [b, 'A', {}, [0, 1]],
        ],
        [['S', 'A']],
      ),
    ],
    [
      /twice/,
      flow(
        't',
        [start, [b, 'A', {}, [0, 1]]],
        [
          ['Start', 'A'],
          ['Start', 'A'],
        ],
      ),
    ],
    [/end that is no block/, flow('t', [start], [['Start', 'Gone']])],
    [/no block/, flow('t', [[b, 'A', { code: 'output = input_data["Gone"]["output"]' }, [0, 0]]], [])],
    [
      /not above/,
      flow(
        't',
        [
          [b, 'A', { x: ['<B.output.total>'] }, [0, 0]],
          [b, 'B', {}, [0, 1]],
        ],
        [['A', 'B']],
      ),
    ],
    [
      /two blocks are named/,
      flow(
        't',
        [
          [b, 'A', {}, [0, 0]],
          [b, 'a', {}, [0, 1]],
        ],
        [],
      ),
    ],
    [/no reference can name/, flow('t', [[b, 'A (2)', {}, [0, 0]]], [])],
    [
      /overlap/,
      flow(
        't',
        [
          [b, 'A', {}, [0, 0]],
          [b, 'B', {}, [0.5, 0.3]],
        ],
        [],
      ),
    ],
  ];
  for (const [pattern, graph] of faulty) assert.match(faultsOf(graph).join('\n'), pattern);
});

test('what every case must pass: a good end, a whole stream, an answer, no new fault', () => {
  const passes = (turn: Partial<TurnOutcome>): boolean =>
    SOUND.every((check) => check.fault(outcomeOf(TRIAGE, turn)) === null);
  assert.ok(passes({}));
  assert.ok(!passes({ error: 'the model is away' }));
  assert.ok(!passes({ stopReason: 'step_limit' }));
  assert.ok(!passes({ stopReason: null }));
  assert.ok(!passes({ streamFaults: ['a gap'] }));
  assert.ok(!passes({ answer: '  ' }));
  const [block] = TRIAGE.blocks;
  const doubled = { blocks: [...TRIAGE.blocks, { ...block!, id: 'x', name: 'Again' }], edges: TRIAGE.edges };
  assert.ok(!passes({ proposed: doubled }));
  // A fault that was there before is nobody's fault.
  assert.ok(passes({ before: doubled, proposed: doubled }));
});

test('checks on blocks and ways', () => {
  holds(has({ type: 'agent', name: /Summ/ }), outcomeOf(TRIAGE));
  fails(has({ type: 'agent', text: /gpt-9/ }), outcomeOf(TRIAGE));
  holds(count({ type: ['agent', 'response'] }, 2), outcomeOf(TRIAGE));
  fails(count({ type: 'agent' }, 2), outcomeOf(TRIAGE));
  fails(hasNo({ name: 'Reply' }), outcomeOf(TRIAGE));
  holds(trigger('starter'), outcomeOf(TRIAGE));
  fails(trigger('webhook'), outcomeOf(TRIAGE));
  fails(trigger(), outcomeOf({ blocks: [], edges: [] }));
  holds(leads({ name: 'Large Order' }, { name: 'Summarise' }, 'if'), outcomeOf(TRIAGE));
  fails(leads({ name: 'Large Order' }, { name: 'Summarise' }, 'else'), outcomeOf(TRIAGE));
  fails(leads({ name: 'Reply' }, { name: 'Start' }), outcomeOf(TRIAGE));
  holds(leads({ name: 'Start' }, { name: 'Reply' }), outcomeOf(TRIAGE));
  holds(between({ name: 'Start' }, { name: 'Load Order' }, { name: 'Reply' }), outcomeOf(TRIAGE));
  // The else branch leads past it.
  fails(between({ name: 'Start' }, { name: 'Summarise' }, { name: 'Reply' }), outcomeOf(TRIAGE));
  fails(between({ name: 'Summarise' }, { name: 'Start' }, { name: 'Reply' }), outcomeOf(TRIAGE));
  holds(wired({ type: 'condition' }), outcomeOf(TRIAGE));
  fails(wired({ type: 'condition' }), outcomeOf(UNFINISHED));
  fails(FAULTLESS, outcomeOf(UNFINISHED));
  holds(FAULTLESS, outcomeOf(SUPPORT));
  fails(FAULTLESS, outcomeOf({ blocks: TRIAGE.blocks, edges: TRIAGE.edges.slice(1) }));
  holds(
    config({ type: 'response' }, 'answers 200', (has) => has.status_code === 200),
    outcomeOf(TRIAGE),
  );
  fails(
    config({ type: 'response' }, 'answers 404', (has) => has.status_code === 404),
    outcomeOf(TRIAGE),
  );
  fails(
    config({ type: 'split' }, 'exists', () => true),
    outcomeOf(TRIAGE),
  );
});

test('checks on what stays', () => {
  const changed: Graph = {
    ...TRIAGE,
    blocks: TRIAGE.blocks.map((block) => (block.name === 'Reply' ? { ...block, enabled: false } : block)),
  };
  holds(untouched('Start', 'Reply'), outcomeOf(TRIAGE));
  fails(untouched('Reply'), outcomeOf(changed));
  fails(untouched('Reply'), outcomeOf({ blocks: TRIAGE.blocks.slice(0, 4), edges: [] }));
  fails(untouched('No such block'), outcomeOf(TRIAGE));
  holds(othersUntouched('Reply'), outcomeOf(changed));
  fails(othersUntouched('Start'), outcomeOf(changed));
  holds(NO_CHANGE, outcomeOf(TRIAGE));
  fails(NO_CHANGE, outcomeOf(changed));
  fails(NO_CHANGE, outcomeOf(TRIAGE, { diff: { remove_blocks: ['x'] } }));
  holds(AS_BEFORE, outcomeOf({ ...TRIAGE, blocks: TRIAGE.blocks.toReversed() }));
  fails(AS_BEFORE, outcomeOf(changed));
});

test('checks on calls, questions and answers', () => {
  const refused = call({ isError: true });
  holds(refusedAtMost(1), outcomeOf(TRIAGE, { calls: [refused, call({})] }));
  fails(refusedAtMost(0), outcomeOf(TRIAGE, { calls: [refused] }));
  holds(called('modify_workflow'), outcomeOf(TRIAGE, { calls: [call({})] }));
  fails(called('modify_workflow'), outcomeOf(TRIAGE, { calls: [refused] }));
  fails(
    called('modify_workflow', ({ add_blocks: added }) => added !== undefined),
    outcomeOf(TRIAGE, { calls: [call({})] }),
  );
  fails(notCalled('modify_workflow'), outcomeOf(TRIAGE, { calls: [refused] }));
  holds(mentions([/fine/i, /\./]), outcomeOf(TRIAGE));
  fails(mentions([/fine/i, /bad/]), outcomeOf(TRIAGE));
  fails(mentions(/fine/i, 2), outcomeOf(TRIAGE));
  fails(neverSays(/nope/, /Fine/), outcomeOf(TRIAGE));
  fails(ASKS, outcomeOf(TRIAGE));
  holds(ASKS, outcomeOf(TRIAGE, { answer: 'Which one?' }));
  const question = { summary: 'Delete the agent "Helper".', decision: 'rejected' } as const;
  holds(confirmed(1, /Helper/), outcomeOf(TRIAGE, { questions: [question] }));
  fails(confirmed(1, /Other/), outcomeOf(TRIAGE, { questions: [question] }));
  fails(confirmed(0), outcomeOf(TRIAGE, { questions: [question] }));
});
