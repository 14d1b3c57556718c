/** What a Studio needs of workflows beside the copilot. */
import { Router } from '@koa/router';
import type { Knex } from 'knex';
import { inLane } from '../../db/connection/lanes.ts';
import { createWorkflow, findWorkflow, findWorkflowText, listWorkflows } from '../../db/graphs/graphs.ts';
import { replaceGraph } from '../../db/graphs/replace-graph.ts';
import type { ApiDeps } from '../deps.ts';
import { HttpError } from '../http/http-error.ts';
import { isUuid } from '../../domain/text/uuid.ts';
import { workflowLane } from '../http/lane-names.ts';
import { presentWorkflow, presentWorkflowSummary } from './present.ts';
import { parseGraphBody, parseListPage, parseWorkflowName } from './schema.ts';

const NO_WORKFLOW = 'No workflow exists with the given ID';

/** Routes under /api/workflows. */
export function createWorkflowsRouter(deps: ApiDeps): Router {
  const router = new Router({ prefix: '/api/workflows' });
  const { db } = deps;

  router.get('/', async (ctx) => {
    const page = parseListPage(ctx.query);
    const { workflows, total } = await listWorkflows(db, page);
    ctx.body = { workflows: workflows.map(presentWorkflowSummary), total, ...page };
  });

  router.post('/', async (ctx) => {
    const { id, name } = await createWorkflow(db, {
      name: parseWorkflowName((ctx.state.body as { name?: unknown }).name),
    });
    ctx.status = 201;
    ctx.body = { id, name };
  });

  router.get('/:id', async (ctx) => {
    const workflow = isUuid(ctx.params.id) ? await findWorkflowText(db, ctx.params.id) : null;
    if (!workflow) throw new HttpError(404, NO_WORKFLOW);
    ctx.type = 'json';
    ctx.body = presentWorkflow(workflow);
  });

  router.put('/:id/graph', async (ctx) => {
    const { id } = ctx.params;
    if (!isUuid(id)) throw new HttpError(404, NO_WORKFLOW);
    const { graph, version } = parseGraphBody(ctx.state.body as Record<string, unknown>);
    const write = async (trx: Knex) => {
      const workflow = await findWorkflow(trx, id, true);
      if (!workflow) throw new HttpError(404, NO_WORKFLOW);
      if (version !== null && version !== workflow.version) {
        throw new HttpError(409, `The workflow was changed meanwhile: it is at version ${workflow.version}`, {
          version: workflow.version,
        });
      }
      return { ok: true, version: (await replaceGraph(trx, workflow, graph)).version };
    };
    ctx.body = await inLane(db, workflowLane(id), () => db.transaction(write));
  });

  return router;
}
