/** GET /api/openapi.json: the description of all routes, itself included. */
import { openApiDocument } from '../../contracts/http/openapi.ts';
import { open } from '../http/access.ts';
import { type Asset, asset, toAsset } from '../http/answer.ts';
import { defineRoute, type Route } from '../http/route.ts';
import { describeRoutes } from './document.ts';

/** `routes` is called once. The document is made before the API listens, because making it blocks all other work. */
export function createDescriptionRoute(routes: () => readonly Route[]): Route {
  let document: Asset | undefined;
  const read = (): Asset => (document ??= toAsset(JSON.stringify(describeRoutes(routes()))));
  return defineRoute({
    method: 'get',
    path: '/api/openapi.json',
    operationId: 'getDescription',
    summary: 'This document',
    tag: 'Description',
    access: open,
    input: {},
    answers: asset('application/json', openApiDocument),
    prepare: () => void read(),
    handle: ({ answer }) => answer(read()),
  });
}
