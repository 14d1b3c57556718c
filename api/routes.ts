/** Every route of the API. */
import { auditRoutes } from './audit/routes.ts';
import { blockTypeRoutes } from './block-types/routes.ts';
import { chatRoutes } from './chat/routes.ts';
import { viewerRoutes } from './viewer/routes.ts';
import { workflowRoutes } from './graphs/routes.ts';
import { healthRoutes } from './health/routes.ts';
import type { Route } from './http/route.ts';
import { metricsRoutes } from './metrics/routes.ts';
import { messageRoutes } from './messages/routes.ts';
import { createDescriptionRoute } from './openapi/routes.ts';
import { sessionRoutes } from './sessions/routes.ts';
import { settingsRoutes } from './settings/routes.ts';
import { turnRoutes } from './turns/routes.ts';
import { usageRoutes } from './usage/routes.ts';

export const routes: readonly Route[] = [
  ...healthRoutes,
  ...metricsRoutes,
  ...sessionRoutes,
  ...messageRoutes,
  ...chatRoutes,
  ...turnRoutes,
  ...settingsRoutes,
  ...usageRoutes,
  ...auditRoutes,
  ...workflowRoutes,
  ...blockTypeRoutes,
  createDescriptionRoute(() => routes),
  ...viewerRoutes,
];
