/** Pure work on whole graphs, as texts: done at once when they are small, in a thread of the worker's when not. */
import { isTaskTooLarge } from '../contracts/thrown-codes.ts';
import { diffGraphTexts } from '../domain/graph/diff-graph.ts';
import type { Graph } from '../domain/graph/graph.ts';
import { SMALL_GRAPH_CHARS } from '../domain/graph/limits.ts';
import { renderWorkflowState } from '../domain/graph/shorten-state.ts';
import { createPythonChecker } from './tools/python-syntax.ts';
import { type EditResult, type EditTask, runEdit } from './tools/run-edit.ts';

export interface RenderTask {
  /** A Graph's JSON text. */
  graph: string;
  message: string;
}

export interface DiffTask {
  /** JSON texts of Graphs. */
  base: string;
  working: string;
}

export interface HeavyWork {
  /** Applies an edit of modify_workflow. */
  editGraph: (task: EditTask, signal?: AbortSignal) => Promise<EditResult>;
  /** The canvas as a model is shown it. */
  renderState(task: RenderTask): Promise<string>;
  /** The JSON text of a turn's diff, or null when nothing changed. */
  diffGraphs(task: DiffTask): Promise<string | null>;
}

/** Runs one of the tasks below in a thread; `bytes` is the size of its input. */
export type RunInThread = <Result>(
  task: keyof typeof tasks,
  input: unknown,
  of: { bytes: number; signal?: AbortSignal },
) => Promise<Result>;

/** A parser of program texts takes time that grows with the square of some texts. */
const SMALL_CODE_CHARS = 4 * 1024;

/** What a thread can do, and the main one does when it is little. */
export const tasks = {
  editGraph: (task: EditTask): EditResult => runEdit(task, (python ??= createPythonChecker())),
  renderState: ({ graph, message }: RenderTask): string =>
    renderWorkflowState({ graph: JSON.parse(graph) as Graph, message }),
  diffGraphs: (task: DiffTask): string | null => diffGraphTexts(task),
};

/** A canvas whose configs take too long to render, without them: the turn goes on with what can be told. */
function renderBare({ graph: text, message }: RenderTask): string {
  const { blocks, edges } = JSON.parse(text) as Graph;
  const bare = blocks.map((block) => ({ ...block, config: { left_out: 'too much to show' } }));
  return renderWorkflowState({ graph: { blocks: bare, edges }, message });
}

let python: ReturnType<typeof createPythonChecker> | null = null;

/** Creates the work; without threads all of it is done at once. */
export function createHeavyWork(runInThread: RunInThread | null): HeavyWork {
  return {
    async editGraph(task, signal) {
      const chars = task.graph.length + task.edit.length;
      const hasCode = task.graph.includes('"code"') || task.edit.includes('"code"');
      if (!runInThread || chars <= (hasCode ? SMALL_CODE_CHARS : SMALL_GRAPH_CHARS))
        return tasks.editGraph(task);
      return runInThread('editGraph', task, { bytes: chars, ...(signal ? { signal } : {}) });
    },
    async renderState(task) {
      if (!runInThread || task.graph.length <= SMALL_GRAPH_CHARS) return tasks.renderState(task);
      try {
        return await runInThread<string>('renderState', task, { bytes: task.graph.length });
      } catch (error: unknown) {
        if (!isTaskTooLarge(error)) throw error;
        return renderBare(task);
      }
    },
    async diffGraphs(task) {
      if (task.base === task.working) return null;
      const chars = task.base.length + task.working.length;
      if (!runInThread || chars <= SMALL_GRAPH_CHARS) return tasks.diffGraphs(task);
      return runInThread('diffGraphs', task, { bytes: chars });
    },
  };
}
