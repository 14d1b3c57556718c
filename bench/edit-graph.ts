/** One edit of a large graph, against copying that graph through JSON. */
import { createPythonChecker } from '../activities/tools/python-syntax.ts';
import { editGraph } from '../domain/edit/edit-graph.ts';
import type { Graph } from '../domain/graph/graph.ts';
import type { JsonObject } from '../domain/text/json-value.ts';

const BLOCKS = 500;
const EDGES = 1_000;
const RUNS = 60;

/** Milliseconds per call, in order: with a parser that knows the code already, and with one that sees it first. */
export function measureEdits(): { edit: number[]; firstEdit: number; floor: number[] } {
  const blocks: Graph['blocks'] = Array.from({ length: BLOCKS }, (_, n) => ({
    id: `b${n}`,
    type: n === 0 ? 'starter' : n % 3 === 0 ? 'agent' : 'code',
    name: `Block ${n}`,
    position: { x: 300 * (n % 7), y: 200 * Math.floor(n / 7) },
    config: (n === 0
      ? { input: { order: '' } }
      : n % 3 === 0
        ? { agent_id: 'a', input: `Sum up <Block ${n - 1}.output> of <Block 0.output.order>` }
        : {
            code: `rows = input_data["Block ${n - 1}"]["output"]\noutput = [row for row in rows if row]`,
            language: 'python',
          }) as JsonObject,
    enabled: true,
  }));
  const edges: Graph['edges'] = Array.from({ length: EDGES }, (_, n) => {
    const source = n % (BLOCKS - 1);
    return {
      source: `b${source}`,
      target: `b${Math.min(BLOCKS - 1, source + 1 + Math.floor(n / (BLOCKS - 1)) * 3)}`,
    };
  }).filter((edge) => edge.source !== edge.target);
  const graph = { blocks, edges };
  const python = createPythonChecker();
  const edit = (n: number): number => {
    const startedAt = performance.now();
    const outcome = editGraph({
      graph,
      edit: {
        add_blocks: [
          {
            id: 'new',
            type: 'code',
            name: `New ${n}`,
            config: { code: `output = input_data["Block 8"]["output"] + ${n}` },
          },
        ],
        update_blocks: [{ id: 'Block 7', name: `Seven ${n}` }],
        add_edges: [{ source: 'Block 8', target: 'new' }],
      },
      newId: () => `new-${n}`,
      aliases: new Map(),
      ports: { python },
    });
    if (!outcome.applied) throw new Error(JSON.stringify(outcome.problems[0]));
    return performance.now() - startedAt;
  };
  const firstEdit = edit(-1);
  const times: number[] = [];
  const floor: number[] = [];
  for (let n = 0; n < RUNS; n++) {
    times.push(edit(n));
    const startedAt = performance.now();
    JSON.parse(JSON.stringify(graph));
    floor.push(performance.now() - startedAt);
  }
  return { edit: times.sort((a, b) => a - b), firstEdit, floor: floor.sort((a, b) => a - b) };
}
