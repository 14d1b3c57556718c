/** The routes for workflows: what an editor needs beside the copilot. */
import type { Knex } from 'knex';
import { z } from 'zod';
import { versionErrorAnswer } from '../../contracts/http/errors.ts';
import { NO_WORKFLOW } from '../../contracts/http/sessions.ts';
import { idOrNothing } from '../../contracts/http/values.ts';
import {
  newWorkflowAnswer,
  newWorkflowRequest,
  saveGraphAnswer,
  workflowAnswer,
  workflowListAnswer,
  workflowPageQuery,
} from '../../contracts/http/workflows.ts';
import { recordAct } from '../../db/audit/audit.ts';
import { inLane } from '../../db/connection/lanes.ts';
import { createWorkflow, findWorkflow, findWorkflowText, listWorkflows } from '../../db/graphs/graphs.ts';
import { replaceGraph } from '../../db/graphs/replace-graph.ts';
import { isUuid } from '../../domain/text/uuid.ts';
import { anyone, withToken } from '../http/access.ts';
import { json, jsonText } from '../http/answer.ts';
import { HttpError } from '../http/http-error.ts';
import { actorOf } from '../http/principal.ts';
import { workflowLane } from '../http/lane-names.ts';
import { defineRoute } from '../http/route.ts';
import { presentWorkflow, presentWorkflowSummary } from './present.ts';
import { explainGraphIssue, graphBody } from './read-graph.ts';

const tag = 'Workflows';
const params = z.object({ id: idOrNothing(NO_WORKFLOW).meta({ description: 'The workflow.' }) });

const list = defineRoute({
  method: 'get',
  path: '/api/workflows',
  operationId: 'listWorkflows',
  summary: 'Workflows, newest first',
  tag,
  access: anyone,
  input: { query: workflowPageQuery },
  answers: json(200, workflowListAnswer),
  async handle({ query, answer }, { db }) {
    const { workflows, total } = await listWorkflows(db, query);
    return answer({ workflows: workflows.map(presentWorkflowSummary), total, ...query });
  },
});

const create = defineRoute({
  method: 'post',
  path: '/api/workflows',
  operationId: 'createWorkflow',
  summary: 'Make an empty workflow',
  tag,
  access: anyone,
  input: { body: newWorkflowRequest },
  answers: json(201, newWorkflowAnswer),
  async handle({ body, answer }, { db }) {
    const { id, name } = await createWorkflow(db, body);
    return answer({ id, name });
  },
});

const read = defineRoute({
  method: 'get',
  path: '/api/workflows/:id',
  operationId: 'getWorkflow',
  summary: 'A workflow with its graph',
  tag,
  access: anyone,
  input: { params },
  answers: jsonText(workflowAnswer),
  errors: { 404: NO_WORKFLOW, 413: 'The stored graph is too large to be read.' },
  async handle({ params: { id }, answer }, { db }) {
    const workflow = await findWorkflowText(db, id);
    if (!workflow) throw new HttpError(404, NO_WORKFLOW);
    return answer(presentWorkflow(workflow));
  },
});

/** The id is checked before the body. */
const namedWorkflow = withToken(({ principal, params: { id } }) => {
  if (!isUuid(id)) throw new HttpError(404, NO_WORKFLOW);
  return { principal, id };
});

const save = defineRoute({
  method: 'put',
  path: '/api/workflows/:id/graph',
  operationId: 'saveGraph',
  summary: 'Replace the graph of a workflow',
  tag,
  access: namedWorkflow,
  input: { params, body: graphBody },
  explain: explainGraphIssue,
  answers: json(200, saveGraphAnswer),
  errors: {
    404: NO_WORKFLOW,
    409: { meaning: 'The workflow was changed meanwhile.', schema: versionErrorAnswer },
  },
  async handle({ id, principal, requestId, body: { graph, version }, answer }, { db }) {
    const write = async (trx: Knex) => {
      const workflow = await findWorkflow(trx, id, true);
      if (!workflow) throw new HttpError(404, NO_WORKFLOW);
      if (version !== null && version !== workflow.version) {
        throw new HttpError(409, `The workflow was changed meanwhile: it is at version ${workflow.version}`, {
          version: workflow.version,
        });
      }
      const saved = await replaceGraph(trx, workflow, graph);
      await recordAct(trx, actorOf(principal, requestId), {
        action: 'workflow.graph.write',
        target: saved.id,
      });
      return saved.version;
    };
    return answer({ ok: true, version: await inLane(db, workflowLane(id), () => db.transaction(write)) });
  },
});

export const workflowRoutes = [list, create, read, save];
