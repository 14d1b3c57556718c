/** What the routes may do with turns. `create-turn-control.ts` implements it on Temporal and Postgres. */
import type { Actor } from '../../contracts/audit.ts';
import type { TurnBody } from '../../contracts/http/turns.ts';
import type { Graph } from '../../domain/graph/graph.ts';

export interface StartRequest {
  session: { id: string; workflowId: string };
  message: string;
  /** Null for the persisted graph. */
  graph: Graph | null;
  idempotencyKey: string | null;
  /** The `sub` of the token; null for a service token without one. */
  principal: string | null;
}

export interface StartedTurn {
  turnId: string;
  /** Whether an earlier request started the turn. */
  attached: boolean;
}

export interface TurnControl {
  /**
   * Starts a turn, or attaches to the turn that the idempotency key started. Throws HttpError 404, 503, or 409: with
   * `turn_id` while a turn runs, and for a key that was used with another message. Throws LimitError for a start beyond a
   * limit or a budget; attaching is never refused by one.
   */
  start(request: StartRequest): Promise<StartedTurn>;
  /** Asks a turn to end as cancelled. May be repeated. Throws HttpError 404, or 409 when the turn ended otherwise. */
  cancel(input: { sessionId: string; turnId: string }): Promise<void>;
  /**
   * Answers a turn's question. The first decision stands; the same decision may be repeated. Throws HttpError 404 for a
   * call without a question, 409 when it was decided otherwise, has expired, or the turn is over.
   */
  confirm(input: {
    sessionId: string;
    turnId: string;
    callId: string;
    decision: 'approved' | 'rejected';
    reason: string | null;
    by: Actor;
  }): Promise<void>;
  /** Cancels a session's running turn, if any, and waits until deleting the session is safe. */
  cancelForDelete(sessionId: string): Promise<void>;
  /** False for an unknown turn, a turn of another session, and a turn that is not known to run yet. */
  exists(input: { sessionId: string; turnId: string }): Promise<boolean>;
  /** Null when `exists` returns false. */
  get(input: { sessionId: string; turnId: string }): Promise<TurnBody | null>;
  /**
   * What Temporal knows of a silent turn, as a status line; null when there is nothing to say. Settles the turn when
   * its workflow closed without a terminal event.
   */
  inspectSilence(turnId: string): Promise<{ message: string; step?: number } | null>;
}
