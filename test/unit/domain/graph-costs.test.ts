/**
 * What work on a graph costs must grow with the graph, not with its square. Each case is measured in time of this
 * thread's own on a processor, at one size and at four times that size: a square would make sixteen of it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExpression } from '../../../domain/rules/expression.ts';
import { checkGraph } from '../../../domain/rules/check-graph.ts';
import { describeRun } from '../../../domain/dry-run/describe-run.ts';
import { runGraph } from '../../../domain/dry-run/run-graph.ts';
import { readCanvas } from '../../../domain/graph/describe-changes.ts';
import { diffGraph } from '../../../domain/graph/diff-graph.ts';
import { editGraph } from '../../../domain/edit/edit-graph.ts';
import type { Block, Edge, Graph } from '../../../domain/graph/graph.ts';
import type { GraphEdit } from '../../../domain/edit/graph-edit.ts';
import { hideInText } from '../../../domain/text/hide-secrets.ts';
import { layOut } from '../../../domain/graph/layout.ts';
import { findMentions } from '../../../domain/rules/project-facts.ts';
import { listReferences, rewriteReferences } from '../../../domain/rules/reference.ts';
import { renderWorkflowState } from '../../../domain/graph/shorten-state.ts';
import { planRevert, planSnapshot } from '../../../domain/edit/snapshot.ts';
import { block, countingIds } from '../../support/graph-builders.ts';
import { cpuMs } from '../../support/cpu-time.ts';

const GROWTH = 4;
/** Between GROWTH and its square, nearer to the square: caches and collections of garbage make noise. */
const MOST = 10;
/** Below this a measurement is noise. */
const LEAST_MS = 4;

const range = (n: number): number[] => Array.from({ length: n }, (_, index) => index);

/** Rounds of a case that looks like a square. Noise passes within the first rounds; a square fails in each round. */
const ROUNDS = 8;

function timeOf(work: () => unknown): number {
  const from = cpuMs();
  work();
  return cpuMs() - from;
}

/**
 * Compares the least times of both sizes, measured in turns. `prepare` makes fresh input of a size and gives the work on
 * that input: caches by object must not find the input again.
 */
function assertGrowsWithSize(size: number, prepare: (size: number) => () => unknown): void {
  let [small, large] = [Infinity, Infinity];
  for (let round = 0; round < ROUNDS; round++) {
    large = Math.min(large, timeOf(prepare(size * GROWTH)));
    if (large <= LEAST_MS * MOST) return;
    small = Math.max(LEAST_MS, Math.min(small, timeOf(prepare(size))));
    if (large <= small * MOST) return;
  }
  assert.fail(`${small.toFixed(1)} ms at ${size}, ${large.toFixed(1)} ms at ${size * GROWTH}`);
}

const names = (n: number, overrides: (i: number) => Partial<Block> = () => ({})): Block[] =>
  range(n).map((i) => block(`B${i}`, { position: { x: 0, y: 0 }, ...overrides(i) }));
const agent = (text: string): Partial<Block> => ({
  type: 'agent',
  config: { model: 'm', system_prompt: 's', input: text },
});
const edit = (graph: Graph, change: GraphEdit): unknown =>
  editGraph({ graph, edit: change, newId: countingIds(), aliases: new Map() });
const edgesOf = (n: number, e: number, source = (i: number): number => i % n): Edge[] =>
  range(e).map((i) => ({ source: `b${source(i)}`, target: `b${(i * 7 + 1 + Math.floor(i / n)) % n}` }));

test('laying out beside blocks that all stand in one place', () => {
  assertGrowsWithSize(5_000, (n) => {
    const blocks = [...names(n), block('New')];
    return () => layOut(blocks, [], new Set(['new']));
  });
});

test('laying out beside blocks on a diagonal', () => {
  assertGrowsWithSize(5_000, (n) => {
    const blocks = [...names(n, (i) => ({ position: { x: i, y: i } })), block('New')];
    return () => layOut(blocks, [], new Set(['new']));
  });
});

test('a dry run of a chain whose blocks all read the first one', () => {
  assertGrowsWithSize(250, (n) => {
    const starter: Partial<Block> = { type: 'starter', config: { input: { text: 'x' } } };
    const blocks = names(n, (i) => (i === 0 ? starter : agent('<B0.output.text>')));
    const edges = range(n - 1).map((i) => ({ source: `b${i}`, target: `b${i + 1}` }));
    return () => describeRun(runGraph({ blocks, edges }, {}));
  });
});

test('a dry run that is given outputs of blocks that do not exist', () => {
  assertGrowsWithSize(150, (n) => {
    const graph = { blocks: names(n, (i) => ({ name: `A block with a long name ${i}` })), edges: [] };
    const outputs = Object.fromEntries(range(n).map((i) => [`Another name of something else ${i}`, i]));
    return () => runGraph(graph, { outputs });
  });
});

test('a dry run that reads a number from a long text that is none', () => {
  assertGrowsWithSize(5_000, (n) => {
    const starter: Partial<Block> = { type: 'starter', config: { input: { text: '' } } };
    const condition = {
      type: 'condition',
      config: { branches: [{ expression: 'float(<B0.output.text>) > 1' }] },
    };
    const graph = {
      blocks: names(2, (i) => (i === 0 ? starter : condition)),
      edges: [{ source: 'b0', target: 'b1' }],
    };
    return () => runGraph(graph, { input: { text: `${'1'.repeat(n)}x` } });
  });
});

test('judging a hub with edges to everywhere', () => {
  assertGrowsWithSize(500, (n) => {
    const graph = { blocks: names(1_000), edges: edgesOf(1_000, n * 2, (i) => (i % 2 ? 0 : i % 1_000)) };
    return () => checkGraph(graph);
  });
});

test('judging references past conditions', () => {
  assertGrowsWithSize(60, (n) => {
    const blocks = names(n, (i) =>
      i % 2
        ? { type: 'condition', config: { branches: [{ expression: '1 == 1' }] } }
        : agent(
            range(60)
              .map((k) => `<B${(i + k * 2) % n}.output>`)
              .join(' '),
          ),
    );
    const edges = range(n - 1).flatMap((i): Edge[] =>
      i % 2
        ? ['if', 'else'].map((sourceHandle, k) => ({
            source: `b${i}`,
            target: `b${Math.min(n - 1, i + 1 + k)}`,
            sourceHandle,
          }))
        : [{ source: `b${i}`, target: `b${i + 1}` }],
    );
    return () => checkGraph({ blocks, edges });
  });
});

test('many unknown keys, and many references to what is not there', () => {
  assertGrowsWithSize(2_000, (n) => {
    const config = Object.fromEntries(range(n).map((i) => [`unknown_key_${i}`, i]));
    const graph = { blocks: [block('A', { type: 'agent', config })], edges: [] };
    return () => edit(graph, { add_blocks: [{ type: 'agent', name: 'New' }] });
  });
  assertGrowsWithSize(1_000, (n) => {
    const text = range(n)
      .map((i) => `<X${i}.output.field>`)
      .join('');
    const graph = { blocks: [block('A')], edges: [] };
    return () =>
      edit(graph, {
        add_blocks: [{ type: 'agent', name: 'New', config: { input: text, model: 'm', system_prompt: 's' } }],
      });
  });
});

test('renaming all blocks of a graph in which each refers to others', () => {
  assertGrowsWithSize(60, (n) => {
    // Four thousand references, whatever the number of blocks and of renames.
    const each = Math.ceil(4_000 / n);
    const blocks = names(n, (i) =>
      agent(
        range(each)
          .map((k) => `<B${(i + k) % n}.output.f${k}>`)
          .join(''),
      ),
    );
    const renames = range(n).map((i) => ({ id: `b${i}`, name: `C${i}` }));
    return () => edit({ blocks, edges: edgesOf(n, n) }, { update_blocks: renames });
  });
});

test('adding and removing edges, blocks and equal names', () => {
  assertGrowsWithSize(1_000, (n) => {
    const graph = { blocks: names(1_000), edges: [] };
    return () =>
      edit(graph, { add_edges: edgesOf(1_000, n).map(({ source, target }) => ({ source, target })) });
  });
  assertGrowsWithSize(250, (n) => {
    const graph = { blocks: names(n, () => ({ name: 'Same' })), edges: edgesOf(n, n) };
    return () => edit(graph, { remove_blocks: range(n).map((i) => `b${i}`) });
  });
  assertGrowsWithSize(250, (n) => {
    const prefix = 'p'.repeat(200);
    const graph = { blocks: names(n, (i) => ({ name: `${prefix}${i}` })), edges: [] };
    return () =>
      edit(graph, { update_blocks: range(n).map((i) => ({ id: `b${i}`, name: `${prefix}${(i + 1) % n}` })) });
  });
});

test('a diff, a snapshot and a revert of everything', () => {
  assertGrowsWithSize(1_000, (n) => {
    const before = { blocks: names(n), edges: edgesOf(n, n) };
    const after = { blocks: names(n, () => ({ config: { code: 'output = 2' } })), edges: edgesOf(n, n) };
    return () =>
      planSnapshot({
        persisted: before,
        preSnapshot: before,
        enabledGiven: new Set(),
        diff: diffGraph(before, after)!,
        newId: countingIds(),
      });
  });
  // The rules' bit sets are as wide as the graph: compared at sizes where that does not show.
  assertGrowsWithSize(250, (n) => {
    const empty = { blocks: [], edges: [] };
    const made = { blocks: names(n), edges: edgesOf(n, n, (i) => i % 2) };
    return () => planRevert({ before: empty, after: made, current: made });
  });
});

test('the words for a canvas on which every block has another id, and for one that was rebuilt', () => {
  for (const change of [{ type: 'agent' }, { config: { code: 'output = 2' } }])
    assertGrowsWithSize(1_000, (n) => {
      const base = { blocks: names(n), edges: edgesOf(n, n) };
      const other = (id: string): string => `other-${id}`;
      const now = {
        blocks: base.blocks.map((block) => ({ ...block, ...change, id: other(block.id) })),
        edges: base.edges.map(({ source, target }) => ({ source: other(source), target: other(target) })),
      };
      return () => readCanvas({ base, working: base, now, recorded: null });
    });
});

test('rendering the state of many large configs and of names with one beginning', () => {
  assertGrowsWithSize(100, (n) => {
    const blocks = names(n, () => ({ config: { code: 'x'.repeat(3_000) } }));
    return () => renderWorkflowState({ graph: { blocks, edges: [] }, message: 'hi' });
  });
  assertGrowsWithSize(500, (n) => {
    const blocks = names(n, (i) => ({ name: `${'p'.repeat(200)}${i}` }));
    return () => renderWorkflowState({ graph: { blocks, edges: [] }, message: 'p'.repeat(32_000) });
  });
});

test('patterns take time that grows with a text', () => {
  const texts = {
    plain: 'a',
    bracket: '<',
    opened: '<a',
    output: '.output',
    half: '<a.output',
    key: 'input_data[',
    keys: 'input_data["B"]',
    spaces: ' ',
    url: 'a://b:',
    slashes: '://',
    secret: 'sk-',
    bearer: 'Bearer ',
    begin: '-----BEGIN ',
    dashes: '-',
    quotes: '"\n',
  };
  for (const [name, unit] of Object.entries(texts)) {
    const text = (n: number): string => unit.repeat(Math.ceil(n / unit.length));
    for (const work of [
      (made: string) => hideInText(made),
      (made: string) => listReferences({ input: made, code: made }),
      (made: string) => rewriteReferences({ input: made, code: made }, () => 'C'),
      (made: string) =>
        checkGraph({
          blocks: [block('A', { type: 'general_api', config: { url: `http://${made}` } })],
          edges: [],
        }),
      (made: string) => parseExpression(made),
    ]) {
      try {
        assertGrowsWithSize(16 * 1024, (n) => {
          const made = text(n);
          return () => work(made);
        });
      } catch (error: unknown) {
        throw new Error(`${name}: ${String(work)}`, { cause: error });
      }
    }
  }
});

test('a list of very many elements is no call of very many arguments', () => {
  assert.doesNotThrow(() => findMentions({ x: range(500_000) }));
});
