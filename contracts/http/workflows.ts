/** The platform's workflows: list, create, read and save. */
import { z } from 'zod';
import {
  block,
  blockInput,
  edgeInput,
  isName,
  MAX_NAME_CHARS,
  NAME_ERROR,
  storedEdge,
  VISIBLE_RULE,
} from './graphs.ts';
import { requiredOr, time, uuid, wholeNumber } from './values.ts';

const MAX_INT = 2_147_483_647;

export const workflowPageQuery = z.object({
  limit: wholeNumber({
    name: 'limit',
    min: 1,
    max: 200,
    digits: 10,
    fallback: 50,
    description: 'How many workflows.',
  }).default(50),
  offset: wholeNumber({
    name: 'offset',
    min: 0,
    max: MAX_INT,
    digits: 10,
    fallback: 0,
    description: 'How many of the newest to leave out.',
  }).default(0),
});

const summaryFields = {
  id: uuid,
  name: z.string(),
  description: z.string().nullable(),
  version: z.int(),
  state: z.string().nullable(),
  created_at: time,
  updated_at: time,
};

/** An entry of the list. */
export const workflowSummary = z.object(summaryFields).meta({ id: 'WorkflowSummary' });

export const workflowListAnswer = z
  .object({ workflows: z.array(workflowSummary), total: z.int(), limit: z.int(), offset: z.int() })
  .meta({ id: 'WorkflowList', description: 'A page of workflows, newest first, and how many there are.' });

export const newWorkflowRequest = z
  .object({
    name: z
      .string({ error: requiredOr('name is required', NAME_ERROR) })
      .trim()
      .refine(isName, { error: NAME_ERROR })
      .meta({
        minLength: 1,
        description: `At most ${MAX_NAME_CHARS} characters without the blanks around them. ${VISIBLE_RULE}`,
      }),
  })
  .meta({ id: 'NewWorkflow', example: { name: 'Answer support mail' } });

export const newWorkflowAnswer = z
  .object({ id: uuid, name: z.string() })
  .meta({ id: 'WorkflowCreated', description: 'The new, empty workflow.' });

export const workflowAnswer = z
  .object({ ...summaryFields, blocks: z.array(block), edges: z.array(storedEdge) })
  .meta({ id: 'Workflow', description: 'A workflow with its graph.' });

const VERSION_ERROR = 'version must be a whole number';

export const saveGraphRequest = z
  .object({
    blocks: z.array(blockInput, { error: 'blocks is required and must be a list' }),
    edges: z.array(edgeInput, { error: 'edges is required and must be a list' }),
    version: z
      .number({ error: VERSION_ERROR })
      .refine((number) => Number.isInteger(number) && number >= 0, { error: VERSION_ERROR })
      .meta({ type: 'integer', minimum: 0 })
      .nullish()
      .meta({ description: 'The version that was read; a newer one in the database is a 409.' }),
  })
  .meta({
    id: 'SaveGraph',
    description: 'The whole graph: blocks that are left out are removed.',
    example: {
      blocks: [
        { id: '0e6f7a34-8a3e-4b55-8a0c-2f9f1b9f7a01', type: 'starter', name: 'Start', config: { input: {} } },
        { id: '0e6f7a34-8a3e-4b55-8a0c-2f9f1b9f7a02', type: 'response', name: 'End', config: {} },
      ],
      edges: [
        {
          source: '0e6f7a34-8a3e-4b55-8a0c-2f9f1b9f7a01',
          target: '0e6f7a34-8a3e-4b55-8a0c-2f9f1b9f7a02',
        },
      ],
      version: 1,
    },
  });

export const saveGraphAnswer = z
  .object({ ok: z.literal(true), version: z.int() })
  .meta({ id: 'GraphSaved', example: { ok: true, version: 2 } });
