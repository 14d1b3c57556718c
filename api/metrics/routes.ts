/** GET /metrics: the figures of this process and of the service, for Prometheus. docs/metrics.md lists them. */
import { bearsToken, isLocal } from '../../runtime/metrics/access.ts';
import { type Access } from '../http/access.ts';
import type { AnswerKind } from '../http/answer.ts';
import { requireService } from '../http/principal.ts';
import { defineRoute } from '../http/route.ts';

/** Open to programs on this machine and with the metrics token; everyone else needs a service token. */
const scraper: Access<object> = {
  isOpen: false,
  opensTo: (request, { metricsToken }) => isLocal(request) || bearsToken(request, metricsToken),
  admit({ principal }) {
    // Without a principal the request was let in by opensTo.
    if (principal) requireService(principal, 'Only service_role may read the metrics');
    return {};
  },
};

const page: AnswerKind<{ type: string; text: string }> = {
  status: 200,
  contentType: 'text/plain',
  schema: null,
  description: "Prometheus' text format.",
  write(ctx, { type, text }) {
    ctx.set({ 'Content-Type': type, 'Cache-Control': 'no-store' });
    ctx.body = text;
  },
};

const metrics = defineRoute({
  method: 'get',
  path: '/metrics',
  operationId: 'getMetrics',
  summary: 'Metrics in the text format of Prometheus',
  description:
    'Open to programs on the same machine. Everyone else needs the token of COPILOT_METRICS_TOKEN, or a token of service_role.',
  tag: 'Health',
  access: scraper,
  input: {},
  answers: page,
  async handle({ answer }, { metrics: { contentType, page: render } }) {
    return answer({ type: contentType, text: await render() });
  },
});

export const metricsRoutes = [metrics];
