import { blockTypesAnswer } from '../../contracts/http/block-types.ts';
import { blockTypes, describeBlockType } from '../../domain/rules/block-registry.ts';
import { anyone } from '../http/access.ts';
import { json } from '../http/answer.ts';
import { defineRoute } from '../http/route.ts';

const body = { block_types: blockTypes.map(describeBlockType) };

/** The route of the registry that validation and the copilot use. */
const list = defineRoute({
  method: 'get',
  path: '/api/block-types',
  operationId: 'listBlockTypes',
  summary: 'The types of blocks: their fields, handles and outputs',
  tag: 'Workflows',
  access: anyone,
  input: {},
  answers: json(200, blockTypesAnswer),
  handle: ({ answer }) => answer(body),
});

export const blockTypeRoutes = [list];
