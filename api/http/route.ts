/**
 * A route is a value: its path, its access, its input and its answers. The router serves this value, and the description
 * (api/openapi/) is made from it, so both agree.
 */
import { z } from 'zod';
import type { ErrorStatus } from '../../contracts/http/errors.ts';
import type { ApiDeps } from '../deps.ts';
import type { Access } from './access.ts';
import type { Answer, AnswerKind } from './answer.ts';
import { HttpError } from './http-error.ts';
import type { Principal } from './principal.ts';

/** The parts of a request that a route reads, in the order in which they are checked. */
const PARTS = ['body', 'params', 'query', 'headers'] as const;
type Part = (typeof PARTS)[number];
type Input = Readonly<Record<string, z.ZodType>>;
/** Every request has an id. The key also keeps zod's inferred type from being that of an object without keys. */
const common = { requestId: z.string() };
type Parsed<In extends Input> = z.output<z.ZodObject<In & typeof common>>;

/** The parts of a request as they arrived. */
export type RawRequest = Record<Part, unknown> & {
  requestId: string;
  principal: Principal | undefined;
  params: Readonly<Record<string, string | undefined>>;
};

/** The meaning of an error, and the schema of its body if the body has more than the message. */
export type ErrorMeaning = string | { meaning: string; schema: z.ZodType };

interface Facts {
  method: 'get' | 'post' | 'put' | 'delete';
  /** The path in the router's form, such as `/api/workflows/:id`. */
  path: string;
  operationId: string;
  /** One line. */
  summary: string;
  description?: string;
  tag: string;
  /** The errors beside those that every route may have. */
  errors?: Partial<Record<ErrorStatus, ErrorMeaning>>;
}

export interface RouteSpec<Given extends object, In extends Input, Body> extends Facts {
  access: Access<Given>;
  /** The schemas of the parts that the route reads: `body`, `params`, `query`, `headers`. */
  input: In & { [Name in Exclude<keyof In, Part>]: never };
  /** Writes the message of a body's issue, for messages that the schema alone can't express. */
  explain?: (issue: z.core.$ZodIssue, body: unknown) => string;
  answers: AnswerKind<Body>;
  /** Prepares data that the answers need and that depends on no request. Called once, before the API listens. */
  prepare?: () => void | Promise<void>;
  handle(
    request: Given & Parsed<In> & { answer: AnswerFunction<Body> },
    deps: ApiDeps,
  ): Answer | Promise<Answer>;
}

/** Creates an answer of the route. Takes only answers that the route describes. */
type AnswerFunction<Body> = (body: Body, headers?: Readonly<Record<string, string>>) => Answer;

/** A route for the router and the description. */
export interface Route extends Facts {
  isOpen: boolean;
  opensTo?: Access<object>['opensTo'];
  input: Partial<Record<Part, z.ZodType>>;
  answers: Omit<AnswerKind<never>, 'write'>;
  prepare?: () => void | Promise<void>;
  run(request: RawRequest, deps: ApiDeps): Promise<Answer>;
}

/** Defines a route. A handler whose answer is not described does not compile. */
export function defineRoute<Given extends object, In extends Input, Body>(
  spec: RouteSpec<Given, In, Body>,
): Route {
  const { access, input, explain, answers, ...facts } = spec;
  const schema = z.object<In & typeof common>({ ...input, ...common });
  const answer: AnswerFunction<Body> = (body, headers = {}) => ({
    status: answers.status,
    headers,
    write: (ctx, deps) => answers.write(ctx, body, deps),
  });
  return {
    ...facts,
    isOpen: access.isOpen,
    ...(access.opensTo === undefined ? {} : { opensTo: access.opensTo }),
    input,
    answers,
    async run(request, deps) {
      const given = await access.admit(request, deps);
      const parsed = schema.safeParse(request);
      if (!parsed.success) throw refusal(parsed.error.issues, request, explain);
      return spec.handle({ ...given, ...parsed.data, answer }, deps);
    },
  };
}

/**
 * The error of a request with invalid parts. The first issue of the first part decides. In a body, an issue of a field comes
 * before an issue of a list's item. The issue of an id that names nothing has its own status.
 */
function refusal(
  issues: readonly z.core.$ZodIssue[],
  request: RawRequest,
  explain?: (issue: z.core.$ZodIssue, body: unknown) => string,
): HttpError {
  const of = PARTS.map((part) => issues.filter(({ path }) => path[0] === part)).find(
    ({ length }) => length > 0,
  );
  const issue = of?.find(({ path }) => path.length <= 2) ?? of?.[0] ?? issues[0]!;
  const status: unknown = issue.code === 'custom' ? issue.params?.status : undefined;
  const message =
    explain !== undefined && issue.path[0] === 'body' ? explain(issue, request.body) : issue.message;
  return new HttpError(status === 404 ? 404 : 400, message);
}
