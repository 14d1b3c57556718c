/** What the routers may do with turns. `create-turn-control.ts` implements it on Temporal and Postgres. */
import type { TurnBody } from '../../contracts/http/turns.ts';
import type { Graph } from '../../domain/graph/graph.ts';

export interface StartRequest {
  session: { id: string; workflowId: string };
  message: string;
  /** Null: the persisted one is used. */
  graph: Graph | null;
  idempotencyKey: string | null;
}

export interface StartedTurn {
  turnId: string;
  /** Whether an earlier request began it. */
  attached: boolean;
}

export interface TurnControl {
  /**
   * Starts a turn, or attaches to the one that the idempotency key started.
   * Throws HttpError: 409 (with `turn_id` while a turn runs; the key came with another message), 503, 404.
   */
  start(request: StartRequest): Promise<StartedTurn>;
  /** Asks a turn to end as cancelled. May be repeated. Throws HttpError 404, or 409 when it ended otherwise. */
  cancel(input: { sessionId: string; turnId: string }): Promise<void>;
  /**
   * Answers a turn's question. The first decision stands: the same one again is fine. Throws HttpError 404 for a call
   * that was not asked, 409 when it was decided otherwise, has expired, or the turn is over.
   */
  confirm(input: {
    sessionId: string;
    turnId: string;
    callId: string;
    decision: 'approved' | 'rejected';
    reason: string | null;
    decidedBy: string;
  }): Promise<void>;
  /** Cancels a session's running turn, if any, and waits until deleting the session is safe. */
  cancelForDelete(sessionId: string): Promise<void>;
  /** False for an unknown turn, one of another session, and one that is not known to run yet. */
  exists(input: { sessionId: string; turnId: string }): Promise<boolean>;
  /** Null where `exists` says no. */
  get(input: { sessionId: string; turnId: string }): Promise<TurnBody | null>;
  /**
   * What Temporal knows of a silent turn, as a status line; null when there is nothing to say. Settles the turn when
   * its workflow closed without a terminal event.
   */
  inspectSilence(turnId: string): Promise<{ message: string; step?: number } | null>;
}
