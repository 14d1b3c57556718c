import type { JsonObject } from '../../domain/text/json-value.ts';
import type { Principal } from './principal.ts';

/** What the middleware puts into `ctx.state` before a handler runs. */
export interface RequestState {
  /** Also the X-Request-Id of the response. */
  requestId: string;
  /** Absent on open paths only: api/http/access.ts asks for it. */
  principal: Principal | undefined;
  /** The parsed body of a POST, PUT or PATCH, safe to store; an empty object when the request has none. */
  body: JsonObject;
}
