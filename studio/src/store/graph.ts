import { type Block, type Canvas, CopilotError, type Graph } from '../../../client/src/index.ts';
import { toEdge, toGraph } from './edges.ts';
import { messageOf } from './notices.ts';
import type { SliceCreator } from './slice.ts';

const KEPT_STEPS = 100;

export interface GraphSlice {
  /** What the canvas shows, saved or not; null while no workflow is loaded. */
  graph: Graph | null;
  /** What the service has, as far as the page knows. */
  saved: { graph: Graph; version: number } | null;
  past: readonly Graph[];
  future: readonly Graph[];
  /** Ids of the selected blocks. */
  selection: readonly string[];
  saveState: 'idle' | 'saving' | 'failed';
  saveProblem: string | null;
  /** What somebody else saved meanwhile. */
  conflict: { graph: Graph; version: number } | null;
  /** Changes the canvas as one step of undo. Successive edits with the same `merge` are one step. */
  edit: (change: (graph: Graph) => Graph, merge?: string) => void;
  undoEdit: () => void;
  redoEdit: () => void;
  select: (ids: readonly string[]) => void;
  saveGraph: () => Promise<boolean>;
  /** Resolves a conflict with what the other one saved; the own state stays one undo away. */
  takeTheirs: () => void;
  /** Resolves a conflict by saving the own canvas over the other's. */
  keepMine: () => Promise<boolean>;
  /** Leaves a conflict undecided: the canvas stays as it is, not saved. */
  postponeConflict: () => void;
  /** Shows what the service has now, as one step of undo where a graph was shown before. */
  showSavedGraph: (graph: Graph, version: number) => void;
  reloadGraph: () => Promise<void>;
  closeGraph: () => void;
}

const CLOSED = {
  graph: null,
  saved: null,
  past: [],
  future: [],
  selection: [],
  saveState: 'idle',
  saveProblem: null,
  conflict: null,
} as const;

/** The canvas: what it shows, its steps back and forth, and saving it. */
export const createGraphSlice: SliceCreator<GraphSlice> = (set, get) => {
  let lastMerge: string | null = null;
  const write = async (version: number): Promise<boolean> => {
    const { client, workflow, graph } = get();
    if (!workflow || !graph) return false;
    set({ saveState: 'saving', saveProblem: null });
    try {
      const { version: newVersion } = await client.workflows.saveGraph(workflow.id, { ...graph, version });
      if (get().workflow?.id !== workflow.id) return false;
      set({ saveState: 'idle', saved: { graph, version: newVersion }, conflict: null });
      return true;
    } catch (error: unknown) {
      if (get().workflow?.id !== workflow.id) return false;
      set({ saveState: 'failed', saveProblem: messageOf(error) });
      if (error instanceof CopilotError && error.status === 409) {
        const theirs = await client.workflows.get(workflow.id).catch(() => null);
        if (theirs && get().workflow?.id === workflow.id)
          set({
            saveState: 'idle',
            conflict: { graph: toGraph(theirs), version: theirs.version },
          });
      }
      return false;
    }
  };
  return {
    ...CLOSED,

    edit(change, merge) {
      const { graph, past } = get();
      if (!graph) return;
      const next = change(graph);
      if (next === graph) return;
      const joins = merge !== undefined && merge === lastMerge && past.length > 0;
      lastMerge = merge ?? null;
      set({
        graph: next,
        past: joins ? past : [...past, graph].slice(-KEPT_STEPS),
        future: [],
        selection: keepExisting(get().selection, next),
      });
    },

    undoEdit() {
      const { graph, past, future } = get();
      const previous = past.at(-1);
      if (!graph || !previous) return;
      lastMerge = null;
      set({
        graph: previous,
        past: past.slice(0, -1),
        future: [graph, ...future],
        selection: keepExisting(get().selection, previous),
      });
    },

    redoEdit() {
      const { graph, past, future } = get();
      const [next, ...rest] = future;
      if (!graph || !next) return;
      lastMerge = null;
      set({
        graph: next,
        past: [...past, graph],
        future: rest,
        selection: keepExisting(get().selection, next),
      });
    },

    select: (ids) => {
      const { selection } = get();
      if (ids.length !== selection.length || ids.some((id, index) => id !== selection[index]))
        set({ selection: ids });
    },

    async saveGraph() {
      const { saved } = get();
      return saved ? write(saved.version) : false;
    },

    takeTheirs() {
      const { conflict } = get();
      if (conflict) get().showSavedGraph(conflict.graph, conflict.version);
    },

    async keepMine() {
      const { conflict } = get();
      return conflict ? write(conflict.version) : false;
    },

    postponeConflict: () =>
      set({
        conflict: null,
        saveState: 'failed',
        saveProblem: 'Somebody else saved this workflow meanwhile.',
      }),

    showSavedGraph(given, version) {
      const { graph: shown, past } = get();
      const graph = toGraph(given);
      lastMerge = null;
      set({
        graph,
        saved: { graph, version },
        past: shown ? [...past, shown].slice(-KEPT_STEPS) : [],
        future: [],
        selection: keepExisting(get().selection, graph),
        saveState: 'idle',
        saveProblem: null,
        conflict: null,
      });
    },

    async reloadGraph() {
      const { client, workflow } = get();
      if (!workflow) return;
      const { blocks, edges, version } = await client.workflows.get(workflow.id);
      if (get().workflow?.id === workflow.id) get().showSavedGraph({ blocks, edges }, version);
    },

    closeGraph() {
      lastMerge = null;
      set(CLOSED);
    },
  };
};

function keepExisting(selection: readonly string[], graph: Graph): readonly string[] {
  if (selection.length === 0) return selection;
  const ids = new Set(graph.blocks.map(({ id }) => id));
  const kept = selection.filter((id) => ids.has(id));
  return kept.length === selection.length ? selection : kept;
}

/** Whether the canvas holds what the service does not have. */
export function isUnsaved({ graph, saved }: Pick<GraphSlice, 'graph' | 'saved'>): boolean {
  return graph !== null && graph !== saved?.graph;
}

/** The canvas as `workflow_state` and `pre_snapshot` take it. */
export function toCanvas({ blocks, edges }: Graph): Canvas {
  return {
    nodes: blocks.map(({ id, type, name, position, config, enabled }: Block) => ({
      id,
      type,
      name,
      position,
      config,
      enabled,
    })),
    edges: edges.map(toEdge),
  };
}
