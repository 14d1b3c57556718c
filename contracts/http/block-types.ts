/** The registry of block types as clients see it. */
import { z } from 'zod';
import { json, jsonObject } from './values.ts';

const field = z
  .object({
    name: z.string(),
    type: z.enum(['string', 'number', 'integer', 'boolean', 'object', 'array', 'any']),
    required: z.boolean(),
    default: json.optional(),
    enum: z.array(z.string()).optional(),
    min: z.number().optional(),
    max: z.number().optional(),
    server_owned: z.literal(true).optional().meta({
      description: 'Owned by the platform: an edit may neither set nor change it.',
    }),
    description: z.string(),
  })
  .meta({ id: 'ConfigField' });

export const blockType = z
  .object({
    type: z.string(),
    label: z.string(),
    purpose: z.string(),
    trigger: z.boolean().meta({ description: 'An entry of a workflow: exactly one, no edge into it.' }),
    terminal: z.boolean().meta({ description: 'Nothing may follow.' }),
    config: z.array(field),
    handles: z.object({ rule: z.string(), of_example: z.array(z.string()) }),
    outputs: z
      .record(z.string(), z.string())
      .meta({ description: 'Output fields that references may name, and what they are.' }),
    example: jsonObject.meta({ description: 'A valid config.' }),
  })
  .meta({ id: 'BlockType' });

export const blockTypesAnswer = z.object({ block_types: z.array(blockType) }).meta({ id: 'BlockTypeList' });
