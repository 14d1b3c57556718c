import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Graph } from '../../../domain/graph/graph.ts';
import {
  MAX_CONFIG_CHARS,
  MAX_STATE_CHARS,
  renderWorkflowState,
  TRUNCATED,
} from '../../../domain/graph/shorten-state.ts';
import { parseWorkflowState } from '../../../domain/graph/workflow-state.ts';
import { anyGraph, block, graph } from '../../support/graph-builders.ts';
import { repeats } from '../../support/repeats.ts';
import { cpuMs } from '../../support/cpu-time.ts';

function parsed(state: unknown) {
  const result = parseWorkflowState(state);
  assert.ok(result.ok, JSON.stringify(result));
  return result;
}

function problem(state: unknown): string {
  const result = parseWorkflowState(state);
  assert.ok(!result.ok, 'should not parse');
  return result.problem;
}

test('flat and React Flow nodes give the same graph', () => {
  const expected = graph([
    block('Say It', { id: 'Say It', type: 'agent', config: { input: 'x' }, position: { x: 1, y: 2 } }),
  ]);
  const position = { x: 1, y: 2 };
  const config = { input: 'x' };
  for (const node of [
    { id: 'Say It', type: 'agent', name: 'Say It', position, config },
    { id: 'Say It', type: 'agent', name: 'Say It', position, config, enabled: true },
    { id: 'Say It', data: { blockType: 'agent', label: 'Say It', config }, position },
    {
      id: 'Say It',
      type: 'custom',
      data: { type: 'agent', name: 'Say It', config, enabled: true },
      position,
    },
    { id: 'Say It', type: 'agent', data: { label: 'Say It', config }, position, selected: true, width: 3 },
  ]) {
    assert.deepEqual(parsed({ nodes: [node], edges: [] }).graph, expected);
  }
});

test('what is missing gets its default, and who says whether it is enabled is known', () => {
  const result = parsed({
    nodes: [{ id: 'a' }, { id: 'b', enabled: false }, { id: 3, data: { enabled: true } }],
  });
  assert.deepEqual(result.graph.blocks[0], {
    id: 'a',
    type: '',
    name: 'a',
    position: { x: 0, y: 0 },
    config: {},
    enabled: true,
  });
  assert.deepEqual(
    result.graph.blocks.map((item) => [item.id, item.enabled]),
    [
      ['a', true],
      ['b', false],
      ['3', true],
    ],
  );
  assert.deepEqual([...result.enabledGiven], ['b', '3']);
});

test('the plain handle is one, in all its spellings; others are kept', () => {
  const edges = [null, undefined, 'output', '', 'if', 2].map((sourceHandle) => ({
    source: 'a',
    target: 'b',
    sourceHandle,
  }));
  const handles = parsed({ nodes: [], edges }).graph.edges.map((edge) => edge.sourceHandle);
  assert.deepEqual(handles, [undefined, undefined, undefined, undefined, 'if', '2']);
  assert.ok(!('sourceHandle' in parsed({ nodes: [], edges }).graph.edges[0]!));
});

test('existing faults and odd names pass', () => {
  const { graph: result } = parsed({
    nodes: [{ id: 'Work #1' }, { id: 'Work #2' }, { id: '__proto__', config: JSON.parse('{"__proto__":1}') }],
    edges: [
      { source: 'Work #1', target: 'ghost' },
      { source: 'Work #1', target: 'Work #1' },
    ],
  });
  assert.equal(result.blocks.length, 3);
  assert.equal(result.edges.length, 2);
  assert.equal(JSON.stringify(result.blocks[2]!.config), '{"__proto__":1}');
});

test('coordinates that can not be stored come back to the rim', () => {
  const [item] = parsed({ nodes: [{ id: 'a', position: { x: 1e300, y: 'x' } }] }).graph.blocks;
  assert.deepEqual(item!.position, { x: 1e9, y: 0 });
});

test('broken input names what is broken', () => {
  assert.match(problem(7), /object/);
  assert.match(problem({ edges: [] }), /nodes/);
  assert.match(problem({ nodes: {} }), /nodes must be a list/);
  assert.match(problem({ nodes: [], edges: 'x' }), /edges must be a list/);
  assert.match(problem({ nodes: [{ id: 'a' }, null] }), /nodes\[1\]/);
  assert.match(problem({ nodes: [{ name: 'a' }] }), /nodes\[0\] has no id/);
  assert.match(problem({ nodes: [{ id: 'a' }, { id: 'a' }] }), /nodes\[1\].*: a/);
  assert.match(problem({ nodes: [{ id: 'a', config: [] }] }), /nodes\[0\] \(a\): config/);
  assert.match(problem({ nodes: [], edges: [{ source: 'a' }] }), /edges\[0\]/);
  assert.match(
    problem({ nodes: [], edges: [{ source: 'a', target: 'b', sourceHandle: {} }] }),
    /edges\[0\]: sourceHandle/,
  );
});

test('any JSON is parsed or refused, never thrown at', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => void parseWorkflowState(value)));
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.jsonValue(),
      (nodes, edges) => void parseWorkflowState({ nodes: [nodes], edges: [edges] }),
    ),
  );
});

interface Rendered {
  nodes: { id: string; name: string; type: string; config?: unknown }[];
  edges: unknown[];
  left_out?: { blocks: number; edges: number };
}

const render = (of: Graph, message = 'hello'): { text: string; state: Rendered } => {
  const text = renderWorkflowState({ graph: of, message });
  return { text, state: JSON.parse(text) as Rendered };
};

test('a small state is told whole', () => {
  const of = graph([block('A'), block('B', { enabled: false })], ['a -> b']);
  const { state } = render(of);
  assert.deepEqual(
    state.nodes.map((node) => node.config),
    of.blocks.map((item) => item.config),
  );
  assert.deepEqual(state.edges, of.edges);
  assert.equal(state.left_out, undefined);
});

test('a config over 2,000 characters becomes its first part', () => {
  const exact = { code: 'x'.repeat(MAX_CONFIG_CHARS - '{"code":""}'.length) };
  const over = { code: `${exact.code}x` };
  const { state } = render(graph([block('A', { config: exact }), block('B', { config: over })]));
  assert.deepEqual(state.nodes[0]!.config, exact);
  const text = JSON.stringify(over).slice(0, MAX_CONFIG_CHARS);
  assert.equal(state.nodes[1]!.config, `${text}${TRUNCATED}`);
});

test('the longest configs are shed first, ids, names, types and edges stay', () => {
  const blocks = Array.from({ length: 60 }, (_, n) =>
    block(`B${n}`, { config: { code: 'x'.repeat(n < 40 ? 1_900 : 20) } }),
  );
  const edges = Array.from({ length: 59 }, (_, n) => `b${n} -> b${n + 1}`);
  const { text, state } = render(graph(blocks, edges));
  assert.ok(text.length <= MAX_STATE_CHARS && text.length > MAX_STATE_CHARS * 0.7, String(text.length));
  assert.deepEqual(
    state.nodes.map(({ id, name, type }) => [id, name, type]),
    blocks.map(({ id, name, type }) => [id, name, type]),
  );
  assert.equal(state.edges.length, 59);
  assert.equal(state.left_out, undefined);
  for (const [n, node] of state.nodes.entries())
    assert.equal(typeof node.config, n < 40 ? 'string' : 'object');
});

test('when even names are too much, the blocks nearest to what the message names stay, and the rest is counted', () => {
  const blocks = Array.from({ length: 1_000 }, (_, n) =>
    block(`Block number ${n}`, { id: `${'i'.repeat(60)}${n}` }),
  );
  const edges = Array.from({ length: 999 }, (_, n) => ({ source: blocks[n]!.id, target: blocks[n + 1]!.id }));
  const { text, state } = render({ blocks, edges }, 'please mend block NUMBER 777!');
  assert.ok(text.length <= MAX_STATE_CHARS);
  const numbers = state.nodes.map((node) => Number(node.name.split(' ').at(-1)));
  // The names of 7 and 77 are part of 777's: they count as named too.
  assert.ok([776, 777, 778].every((n) => numbers.includes(n)));
  assert.ok(!numbers.includes(400));
  assert.equal(state.left_out!.blocks, 1_000 - numbers.length);
  assert.equal(state.left_out!.edges, 999 - state.edges.length);
});

test('at most 50,000 characters, and JSON, whatever the state holds', () => {
  const size = fc.constantFrom(1, 10, 3_000, 60_000);
  fc.assert(
    fc.property(
      anyGraph,
      size,
      size,
      size,
      fc.constantFrom('x', '"', '💥', '\u0001', '\ud800'),
      fc.string(),
      (of, a, b, c, unit, message) => {
        const big: Graph = {
          blocks: of.blocks.map((item) => ({
            ...item,
            id: item.id + unit.repeat(a),
            name: item.name + unit.repeat(b),
            type: item.type + unit.repeat(c),
            config: { ...item.config, big: unit.repeat(c) },
          })),
          edges: of.edges.flatMap((item) =>
            Array.from({ length: a > 100 ? 3 : 300 }, () => ({
              ...item,
              source: item.source + unit.repeat(a),
            })),
          ),
        };
        const { text, state } = render(big, message);
        assert.ok(text.length <= MAX_STATE_CHARS, String(text.length));
        assert.equal(state.nodes.length + (state.left_out?.blocks ?? 0), big.blocks.length);
      },
    ),
    { numRuns: repeats({ test: 15, soak: 60 }) },
  );
});

test('100,000 blocks and a long message take no time', () => {
  const blocks = Array.from({ length: 100_000 }, (_, n) => block(`B${n}`));
  const from = cpuMs();
  const text = renderWorkflowState({ graph: { blocks, edges: [] }, message: 'word '.repeat(6_000) });
  assert.ok(text.length <= MAX_STATE_CHARS);
  assert.ok(cpuMs() - from < 3_000);
});
