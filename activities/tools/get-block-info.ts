import { z } from 'zod';
import {
  blockTypes,
  describeBlockType,
  findBlockType,
  nearestNames,
} from '../../domain/rules/block-registry.ts';
import { fitResult } from './fit-result.ts';
import { defineTool, type Tool, toolFailure } from './tool.ts';

const names = blockTypes.map((block) => block.type);
const input = z.object({
  block_types: z
    .array(z.string())
    .min(1)
    .max(20)
    .describe(`Some of: ${names.join(', ')}`),
});

/** Looks up block types in the registry that validation and defaults use too. */
export function createGetBlockInfoTool(): Tool {
  return defineTool<z.infer<typeof input>>({
    description: `Describes block types: purpose, config fields with types, defaults and limits, handles, outputs, an example. Use it before you add or configure a block type that you have not looked up in this conversation. Not for the blocks on the canvas: those are in the workflow state.
Example: {"block_types":["condition","general_api"]}`,
    input,
    preview: (args) => args.block_types.filter((type) => findBlockType(type)).join(', '),
    async run(args) {
      const wanted = [...new Set(args.block_types)];
      const known = wanted.filter((type) => findBlockType(type));
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
      const block_types = known.map((type) => describeBlockType(findBlockType(type)!));
      return {
        result: fitResult({ block_types, ...(unknown.length > 0 ? { unknown } : {}) }),
        isError: false,
      };
    },
  });
}
