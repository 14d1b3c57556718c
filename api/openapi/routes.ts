/** GET /api/openapi.json: the description of all routes, itself included. */
import { openApiDocument } from '../../contracts/http/openapi.ts';
import { open } from '../http/access.ts';
import { asset, toAsset } from '../http/answer.ts';
import { defineRoute, type Route } from '../http/route.ts';
import { describeRoutes } from './document.ts';

/** `routes` is asked once, when the description is first read. */
export function createDescriptionRoute(routes: () => readonly Route[]): Route {
  let document: ReturnType<typeof toAsset> | undefined;
  return defineRoute({
    method: 'get',
    path: '/api/openapi.json',
    operationId: 'getDescription',
    summary: 'This document',
    tag: 'Description',
    access: open,
    input: {},
    answers: asset('application/json', openApiDocument),
    handle: ({ answer }) => answer((document ??= toAsset(JSON.stringify(describeRoutes(routes()))))),
  });
}
