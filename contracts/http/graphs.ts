/** Graphs in requests and answers: stored blocks and edges, and the canvas of an editor. */
import { z } from 'zod';
import { blockTypes } from '../../domain/rules/block-registry.ts';
import { isLongerThan } from '../../domain/text/is-longer-than.ts';
import { isObject } from '../../domain/text/json.ts';
import type { JsonObject } from '../../domain/text/json-value.ts';
import { isBlank } from '../../domain/text/spell-out-hidden.ts';
import { isUuid } from '../../domain/text/uuid.ts';
import { json, jsonObject, uuid } from './values.ts';

/** The most characters of the name of a workflow or block. */
export const MAX_NAME_CHARS = 255;
/** Coordinates are stored as `real`, which can't hold larger numbers. */
const MAX_COORDINATE = 1e9;

/** Whether a text can be a name: it is not too long and has a visible character. */
export function isName(text: string): boolean {
  return !isLongerThan(text, MAX_NAME_CHARS) && !isBlank(text);
}

export const NAME_ERROR = `name must be text of 1 to ${MAX_NAME_CHARS} characters that can be seen`;

/** The rule of isBlank, for readers of the description. */
export const VISIBLE_RULE =
  'At least one character can be seen: blanks, control and format characters, fillers and others that show nothing do not count.';

export const position = z
  .object({ x: z.number(), y: z.number() })
  .meta({ id: 'Position', example: { x: 120, y: 80 } });

/** A block as it is stored. */
export const block = z
  .object({
    id: uuid,
    type: z.string(),
    name: z.string(),
    position,
    config: json.meta({ description: 'The config: an object, whatever the platform itself has stored.' }),
    enabled: z.boolean(),
  })
  .meta({
    id: 'Block',
    example: {
      id: '5b0c3f1e-8f0c-4d3b-9a43-6d1c1d5f4b11',
      type: 'code',
      name: 'Double it',
      position: { x: 120, y: 80 },
      config: { language: 'python', code: 'output = <Start.count> * 2' },
      enabled: true,
    },
  });

/** An edge as it is stored. */
export const storedEdge = z
  .object({
    id: uuid,
    source: uuid,
    target: uuid,
    sourceHandle: z.string().meta({ description: '`output` on a plain edge.' }),
    targetHandle: z.string(),
    condition: z
      .string()
      .nullable()
      .meta({ description: 'The handle again, on edges out of a condition; null on all others.' }),
  })
  .meta({ id: 'StoredEdge' });

/** The graph in the answers of snapshot and revert. */
export const workflowGraph = z
  .object({ id: uuid, version: z.int(), blocks: z.array(block), edges: z.array(storedEdge) })
  .meta({ id: 'WorkflowGraph' });

const COORDINATE_ERROR = 'position must be {x, y} with numbers below a billion';
const coordinate = z
  .number({ error: COORDINATE_ERROR })
  .refine((number) => Math.abs(number) < MAX_COORDINATE, { error: COORDINATE_ERROR })
  .default(0);
const typeNames = blockTypes.map(({ type }) => type);

/** A block of PUT graph. The API puts the place, such as `blocks[3] (name): `, before the messages. */
export const blockInput = z
  .object(
    {
      id: z
        .string({ error: 'id must be a UUID' })
        .refine(isUuid, { error: 'id must be a UUID' })
        .meta({ format: 'uuid' }),
      type: z.enum(typeNames, { error: `type must be one of ${typeNames.join(', ')}` }),
      name: z
        .string({ error: NAME_ERROR })
        .refine(isName, { error: NAME_ERROR })
        .meta({ minLength: 1, maxLength: MAX_NAME_CHARS, description: VISIBLE_RULE }),
      config: z
        .custom<JsonObject>(isObject, { error: 'config must be an object' })
        .meta({ type: 'object' })
        .nullish(),
      enabled: z.boolean({ error: 'enabled must be true or false' }).nullish(),
      position: z.object({ x: coordinate, y: coordinate }, { error: COORDINATE_ERROR }).nullish(),
    },
    { error: 'must be an object' },
  )
  .meta({ id: 'BlockInput' });

const end = (name: 'source' | 'target') =>
  z.string({ error: `${name} must be the id of one of the blocks` }).meta({ format: 'uuid' });

/** An edge of PUT graph. */
export const edgeInput = z
  .object(
    {
      source: end('source'),
      target: end('target'),
      sourceHandle: z
        .string({ error: 'sourceHandle must be text' })
        .nullish()
        .meta({ description: 'Of a block with handles; null, absent and `output` mean a plain edge.' }),
    },
    { error: 'must be an object' },
  )
  .meta({ id: 'EdgeInput' });

const label = z.union([z.string(), z.number()]);

/**
 * The canvas of an editor. This schema is for the description. `domain/graph/workflow-state.ts` reads the canvas and
 * accepts more than this schema does.
 */
export const canvas = z
  .object({
    nodes: z.array(
      z.union([
        z.looseObject({
          id: label,
          type: z.string(),
          name: z.string().optional(),
          position: position.optional(),
          config: jsonObject.optional(),
          enabled: z.boolean().optional(),
        }),
        z.looseObject({
          id: label,
          position: position.optional(),
          data: z.looseObject({
            blockType: z.string().optional(),
            type: z.string().optional(),
            label: z.string().optional(),
            name: z.string().optional(),
            config: jsonObject.optional(),
            enabled: z.boolean().optional(),
          }),
        }),
      ]),
    ),
    edges: z.array(z.looseObject({ source: label, target: label, sourceHandle: label.nullish() })).optional(),
  })
  .meta({
    id: 'Canvas',
    description:
      'The canvas as the editor has it. Nodes are flat or in the form of React Flow, and may be mixed. An id may be a unique display name.',
    example: {
      nodes: [
        { id: 'Start', type: 'starter', name: 'Start', position: { x: 0, y: 0 }, config: { input: {} } },
        {
          id: 'agent_1',
          position: { x: 240, y: 0 },
          data: { blockType: 'agent', label: 'Agent', config: {} },
        },
      ],
      edges: [{ source: 'Start', target: 'agent_1' }],
    },
  });
