/** Pure work on whole graphs as JSON texts. Small graphs are handled at once, large ones in a thread of the worker. */
import { isTaskTooLarge } from '../contracts/thrown-codes.ts';
import { readCanvasTexts } from '../domain/graph/describe-changes.ts';
import { diffGraphTexts } from '../domain/graph/diff-graph.ts';
import type { Graph } from '../domain/graph/graph.ts';
import { SMALL_GRAPH_CHARS } from '../domain/graph/limits.ts';
import { renderWorkflowState } from '../domain/graph/shorten-state.ts';
import { createPythonChecker } from './tools/python-syntax.ts';
import { editAndTry } from './tools/edit-and-try.ts';
import type { EditResult, EditTask } from './tools/run-edit.ts';

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

/** See readCanvas: JSON texts of Graphs. */
type CanvasTask = Parameters<typeof readCanvasTexts>[0];
type CanvasReading = ReturnType<typeof readCanvasTexts>;

export interface HeavyWork {
  /** Applies an edit of modify_workflow. */
  editGraph: (task: EditTask, signal?: AbortSignal) => Promise<EditResult>;
  /** The canvas as the model sees it. */
  renderState(task: RenderTask): Promise<string>;
  /** The JSON text of a turn's diff, or null when nothing changed. */
  diffGraphs(task: DiffTask): Promise<string | null>;
  /** Whether the last turn's change is on the canvas, and what the user has changed besides. */
  readCanvas(task: CanvasTask): Promise<CanvasReading>;
}

/** Runs one of the tasks below in a thread; `bytes` is the size of its input. */
export type RunInThread = <Result>(
  task: keyof typeof tasks,
  input: unknown,
  of: { bytes: number; signal?: AbortSignal },
) => Promise<Result>;

/** Graphs with code go to a thread sooner: for some texts, the parser's time grows with the square of their length. */
const SMALL_CODE_CHARS = 4 * 1024;

/** The tasks, for the threads and, when a task is small, for the main thread. */
export const tasks = {
  editGraph: (task: EditTask): EditResult => editAndTry(task, (python ??= createPythonChecker())),
  renderState: ({ graph, message }: RenderTask): string =>
    renderWorkflowState({ graph: JSON.parse(graph) as Graph, message }),
  diffGraphs: (task: DiffTask): string | null => diffGraphTexts(task),
  readCanvas: (task: CanvasTask): CanvasReading => readCanvasTexts(task),
};

/** Renders a canvas without its configs, which take too long to render. The turn goes on with the rest. */
function renderBare({ graph: text, message }: RenderTask): string {
  const { blocks, edges } = JSON.parse(text) as Graph;
  const bare = blocks.map((block) => ({ ...block, config: { left_out: 'too much to show' } }));
  return renderWorkflowState({ graph: { blocks: bare, edges }, message });
}

let python: ReturnType<typeof createPythonChecker> | null = null;

/** Creates the functions. Without threads, all work is done on the main thread. */
export function createHeavyWork(runInThread: RunInThread | null): HeavyWork {
  return {
    async editGraph(task, signal) {
      const chars = task.graph.length + task.edit.length + (task.turnStart?.length ?? 0);
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
    async readCanvas(task) {
      const { base, working, now, recorded } = task;
      if (recorded !== 'undone' && now === (working ?? base)) return { applied: true, userChanges: null };
      const chars = base.length + (working?.length ?? 0) + now.length;
      if (!runInThread || chars <= SMALL_GRAPH_CHARS) return tasks.readCanvas(task);
      try {
        return await runInThread('readCanvas', task, { bytes: chars });
      } catch (error: unknown) {
        if (!isTaskTooLarge(error)) throw error;
        // The turn goes on without the words.
        return { applied: recorded === 'applied', userChanges: null };
      }
    },
  };
}
