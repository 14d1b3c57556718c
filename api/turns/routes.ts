/** The routes of a turn: its state, its stream, its cancellation, and the answers to its questions. */
import { z } from 'zod';
import { okAnswer } from '../../contracts/http/health.ts';
import { NO_SESSION } from '../../contracts/http/sessions.ts';
import {
  callParams,
  decisionAnswer,
  decisionRequest,
  eventsQuery,
  lastEventId,
  NO_TURN,
  turnAnswer,
  turnParams,
} from '../../contracts/http/turns.ts';
import { streamedEvent } from '../../contracts/http/stream.ts';
import { isUuid } from '../../domain/text/uuid.ts';
import { withToken } from '../http/access.ts';
import { eventStream, json } from '../http/answer.ts';
import { HttpError } from '../http/http-error.ts';
import { actorOf } from '../http/principal.ts';
import { defineRoute } from '../http/route.ts';
import { ownSession } from '../sessions/own-session.ts';

const tag = 'Turns';
const path = '/api/copilot/sessions/:id/turns/:turn_id';
const errors = { 404: `${NO_SESSION}; or: ${NO_TURN}` };

const read = defineRoute({
  method: 'get',
  path,
  operationId: 'getTurn',
  summary: 'The state of a turn, with its open question',
  tag,
  access: ownSession,
  input: { params: turnParams },
  answers: json(200, turnAnswer),
  errors,
  async handle({ session, params, answer }, { turns }) {
    const turn = await turns.get({ sessionId: session.id, turnId: params.turn_id });
    if (!turn) throw new HttpError(404, NO_TURN);
    return answer(turn);
  },
});

/** Access for everyone who may see the turn. Checked before the cursor. */
const ownTurn = withToken(async (visitor, deps) => {
  const { principal, session } = await ownSession.admit(visitor, deps);
  const id = visitor.params.turn_id;
  const turnId = isUuid(id) ? id.toLowerCase() : null;
  if (turnId === null || !(await deps.turns.exists({ sessionId: session.id, turnId })))
    throw new HttpError(404, NO_TURN);
  return { principal, turnId };
});

const events = defineRoute({
  method: 'get',
  path: `${path}/events`,
  operationId: 'streamTurn',
  summary: 'The stream of a turn that runs or has ended',
  description: 'It begins after `Last-Event-ID` or `after`, at the beginning without either.',
  tag,
  access: ownTurn,
  input: {
    params: turnParams,
    query: eventsQuery,
    headers: z.object({ 'last-event-id': lastEventId.optional() }),
  },
  answers: eventStream(streamedEvent),
  errors,
  async handle({ turnId, query, headers, principal, answer }, { limits }) {
    const afterSeq = headers['last-event-id'] ?? query.after ?? 0;
    return answer({ turnId, afterSeq, principal, release: await limits.streams.take(principal.sub) });
  },
});

const cancel = defineRoute({
  method: 'post',
  path: `${path}/cancel`,
  operationId: 'cancelTurn',
  summary: 'Ask a turn to end',
  description:
    'It ends with `complete` and stop_reason `cancelled`; its text and diff are kept. May be repeated.',
  tag,
  access: ownSession,
  input: { params: turnParams },
  answers: json(202, okAnswer),
  errors: { ...errors, 409: 'The turn ended otherwise.' },
  async handle({ session, params, answer }, { turns }) {
    await turns.cancel({ sessionId: session.id, turnId: params.turn_id });
    return answer({ ok: true });
  },
});

const decide = defineRoute({
  method: 'post',
  path: `${path}/confirmations/:call_id`,
  operationId: 'decide',
  summary: 'Approve or reject what a turn asks',
  description: 'The first decision stands; the same one again is fine. An approval covers what was shown.',
  tag,
  access: ownSession,
  input: { params: callParams, body: decisionRequest },
  answers: json(200, decisionAnswer),
  errors: {
    404: `${errors[404]}; or no confirmation was asked for the call`,
    409: 'It was decided otherwise, has expired, or the turn is over.',
  },
  async handle({ session, params, body: { approved, reason }, principal, requestId, answer }, { turns }) {
    const decision = approved ? 'approved' : 'rejected';
    await turns.confirm({
      sessionId: session.id,
      turnId: params.turn_id,
      callId: params.call_id,
      decision,
      reason: reason?.trim() ? reason : null,
      by: actorOf(principal, requestId),
    });
    return answer({ ok: true, decision });
  },
});

export const turnRoutes = [read, events, cancel, decide];
