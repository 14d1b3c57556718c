/** `/healthz` says that the process lives. `/readyz` says whether it can serve, with the reasons. Both need no token. */
import { type NotReady, notReadyAnswer } from '../../contracts/http/errors.ts';
import { type Ok, okAnswer } from '../../contracts/http/health.ts';
import { open } from '../http/access.ts';
import { type AnswerKind, json } from '../http/answer.ts';
import { defineRoute } from '../http/route.ts';

/** Both results are answers, not errors: the request itself is valid. */
const readiness: AnswerKind<Ok | NotReady> = {
  ...json(200, okAnswer),
  write(ctx, body) {
    if ('error' in body) ctx.status = 503;
    ctx.body = body;
  },
};

const live = defineRoute({
  method: 'get',
  path: '/healthz',
  operationId: 'getHealth',
  summary: 'Whether the process lives',
  tag: 'Health',
  access: open,
  input: {},
  answers: json(200, okAnswer),
  handle: ({ answer }) => answer({ ok: true }),
});

const ready = defineRoute({
  method: 'get',
  path: '/readyz',
  operationId: 'getReadiness',
  summary: 'Whether Postgres and Temporal answer and the migrations are current',
  tag: 'Health',
  access: open,
  input: {},
  answers: readiness,
  errors: { 503: { meaning: 'It can not serve now.', schema: notReadyAnswer } },
  async handle({ answer }, deps) {
    const { ok, problems } = await deps.readiness();
    return answer(ok ? { ok: true } : { error: `Not ready: ${problems.join('; ')}`, problems }, {
      'Cache-Control': 'no-store',
    });
  },
});

export const healthRoutes = [live, ready];
