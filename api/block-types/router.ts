import { Router } from '@koa/router';
import { blockTypes, describeBlockType } from '../../domain/rules/block-registry.ts';

/** GET /api/block-types: the registry that validation and the copilot use. */
export function createBlockTypesRouter(): Router {
  const router = new Router({ prefix: '/api/block-types' });
  const body = { block_types: blockTypes.map(describeBlockType) };
  router.get('/', (ctx) => {
    ctx.body = body;
  });
  return router;
}
