import type { BlockType, WorkflowSummary } from '../../../client/src/index.ts';
import { readAddress, writeAddress } from './address.ts';
import { messageOf } from './notices.ts';
import type { SliceCreator } from './slice.ts';

const PAGE = 50;

export interface WorkflowsSlice {
  workflows: readonly WorkflowSummary[];
  /** How many there are, loaded or not. */
  workflowsTotal: number;
  /** What is open. */
  workflow: { id: string; name: string } | null;
  workflowState: 'none' | 'loading' | 'ready' | 'failed';
  /** Why the open workflow could not be loaded. */
  workflowProblem: string | null;
  blockTypes: ReadonlyMap<string, BlockType>;
  /** Loads what the address names, or the newest workflow. */
  start: () => Promise<void>;
  listWorkflows: () => Promise<void>;
  listMoreWorkflows: () => Promise<void>;
  openWorkflow: (id: string, session?: string | null) => Promise<void>;
  createWorkflow: (name: string) => Promise<void>;
}

/** The customer's workflows: the list, and the one that is open. */
export const createWorkflowsSlice: SliceCreator<WorkflowsSlice> = (set, get) => ({
  workflows: [],
  workflowsTotal: 0,
  workflow: null,
  workflowState: 'loading',
  workflowProblem: null,
  blockTypes: new Map(),

  async start() {
    const { workflow, session } = readAddress();
    set({ workflowState: 'loading', workflowProblem: null });
    try {
      const [{ block_types: types }] = await Promise.all([get().client.blockTypes(), get().listWorkflows()]);
      set({ blockTypes: new Map(types.map((type) => [type.type, type])) });
    } catch (error: unknown) {
      set({ workflowState: 'failed', workflowProblem: messageOf(error) });
      return;
    }
    const id = workflow ?? get().workflows[0]?.id;
    if (id === undefined) set({ workflowState: 'none' });
    else await get().openWorkflow(id, session);
  },

  async listWorkflows() {
    const { workflows, total } = await get().client.workflows.list({ limit: PAGE, offset: 0 });
    set({ workflows, workflowsTotal: total });
  },

  async listMoreWorkflows() {
    const known = get().workflows;
    const { workflows, total } = await get().client.workflows.list({ limit: PAGE, offset: known.length });
    const ids = new Set(known.map(({ id }) => id));
    set({ workflows: [...known, ...workflows.filter(({ id }) => !ids.has(id))], workflowsTotal: total });
  },

  async openWorkflow(id, session = null) {
    get().closeSession();
    const known = get().workflows.find((one) => one.id === id);
    set({
      workflow: { id, name: known?.name ?? '' },
      workflowState: 'loading',
      workflowProblem: null,
    });
    get().closeGraph();
    try {
      const loaded = await get().client.workflows.get(id);
      if (get().workflow?.id !== id) return;
      set({ workflow: { id, name: loaded.name }, workflowState: 'ready' });
      get().showSavedGraph({ blocks: loaded.blocks, edges: loaded.edges }, loaded.version);
      writeAddress({ workflow: id, session });
    } catch (error: unknown) {
      if (get().workflow?.id === id) set({ workflowState: 'failed', workflowProblem: messageOf(error) });
      return;
    }
    await get().openSessionOf(id, session);
  },

  async createWorkflow(name) {
    const { id } = await get().client.workflows.create(name);
    await get().listWorkflows();
    await get().openWorkflow(id);
  },
});
