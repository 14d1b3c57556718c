import { z } from 'zod';
import { blockTypes, findBlockType, nearestNames } from '../../domain/rules/block-registry.ts';
import { explainBlockTypes, type ModelChoice } from '../../domain/rules/explain-block-types.ts';
import type { ModelSpec } from '../../models/models.ts';
import { fitResult } from './fit-result.ts';
import { defineTool, type Tool, type ToolDeps, toolFailure } from './tool.ts';

const names = blockTypes.map((block) => block.type);
const input = z.object({
  block_types: z
    .array(z.string())
    .min(1)
    .max(20)
    .describe(`Some of: ${names.join(', ')}`),
});

/** Looks up block types in the registry that validation and defaults use too. */
export function createGetBlockInfoTool(deps: Pick<ToolDeps, 'catalogue'>): Tool {
  return defineTool<z.infer<typeof input>>({
    description: `Explains block types: fields, handles, exact references to outputs, run-time behaviour, models of agents, an example. Ask once, for all types together, before you add or configure blocks. Not for configs on the canvas.
Example: {"block_types":["condition","general_api"]}`,
    input,
    preview: (args) => args.block_types.filter((type) => findBlockType(type)).join(', '),
    async run(args) {
      const wanted = [...new Set(args.block_types)];
      const known = wanted.flatMap((type) => findBlockType(type) ?? []);
      const unknown = wanted
        .filter((type) => !findBlockType(type))
        .map((type) => ({ type, nearest: nearestNames(type, names, 3) }));
      if (known.length === 0) {
        const nearest = unknown.flatMap((miss) => miss.nearest);
        return toolFailure(
          'unknown_block_type',
          `No such block type: ${unknown.map((miss) => miss.type).join(', ')}.`,
          `${nearest.length > 0 ? `Nearest: ${[...new Set(nearest)].join(', ')}. ` : ''}All types: ${names.join(', ')}.`,
        );
      }
      const explained = explainBlockTypes(known, deps.catalogue.models.map(toChoice));
      return {
        result: fitResult({ ...explained, ...(unknown.length > 0 ? { unknown } : {}) }),
        isError: false,
      };
    },
  });
}

function toChoice({ id, price, temperature }: ModelSpec): ModelChoice {
  return { id, outputPrice: price === null ? null : Number(price.output), temperature };
}
