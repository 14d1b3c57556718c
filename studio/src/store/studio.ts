import { create } from 'zustand';
import { type ConnectionSlice, createConnectionSlice } from './connection.ts';
import { type ConfirmationsSlice, createConfirmationsSlice } from './confirmations.ts';
import { createDraftSlice, type DraftSlice } from './draft.ts';
import { createGraphSlice, type GraphSlice } from './graph.ts';
import { createNoticesSlice, type NoticesSlice } from './notices.ts';
import { createProposalSlice, type ProposalSlice } from './proposal.ts';
import { createSessionsSlice, type SessionsSlice } from './sessions.ts';
import { createTurnSlice, type TurnSlice } from './turn.ts';
import { createViewSlice, type ViewSlice } from './view.ts';
import { createWorkflowsSlice, type WorkflowsSlice } from './workflows.ts';

/** Everything that the page knows, in slices that each have a file of their own. */
export type Studio = ConnectionSlice &
  NoticesSlice &
  ViewSlice &
  WorkflowsSlice &
  GraphSlice &
  SessionsSlice &
  TurnSlice &
  ConfirmationsSlice &
  DraftSlice &
  ProposalSlice;

/** The page's one store. */
export const useStudio = create<Studio>()((...api) => ({
  ...createConnectionSlice(...api),
  ...createNoticesSlice(...api),
  ...createViewSlice(...api),
  ...createWorkflowsSlice(...api),
  ...createGraphSlice(...api),
  ...createSessionsSlice(...api),
  ...createTurnSlice(...api),
  ...createConfirmationsSlice(...api),
  ...createDraftSlice(...api),
  ...createProposalSlice(...api),
}));
