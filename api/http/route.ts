/**
 * A route is a value: where it is, who gets in, what it takes, what it answers. The router serves it and the description
 * (api/openapi/) tells it, so that both say the same.
 */
import { z } from 'zod';
import type { ErrorStatus } from '../../contracts/http/errors.ts';
import type { ApiDeps } from '../deps.ts';
import type { Access } from './access.ts';
import type { Answer, AnswerKind } from './answer.ts';
import { HttpError } from './http-error.ts';
import type { Principal } from './principal.ts';

/** The parts of a request that a route reads, in the order in which they are judged. */
const PARTS = ['body', 'params', 'query', 'headers'] as const;
type Part = (typeof PARTS)[number];
type Input = Readonly<Record<string, z.ZodType>>;
/** Every request has an id. Also keeps zod's type of what is read from being that of an object without keys. */
const common = { requestId: z.string() };
type Parsed<In extends Input> = z.output<z.ZodObject<In & typeof common>>;

/** The parts as they arrived. */
export type RawRequest = Record<Part, unknown> & {
  requestId: string;
  principal: Principal | undefined;
  params: Readonly<Record<string, string | undefined>>;
};

/** What an error means, and the schema of its body where it holds more than the message. */
export type ErrorMeaning = string | { meaning: string; schema: z.ZodType };

interface Facts {
  method: 'get' | 'post' | 'put' | 'delete';
  /** As the router has it, such as `/api/workflows/:id`. */
  path: string;
  operationId: string;
  /** One line. */
  summary: string;
  description?: string;
  tag: string;
  /** Beside those that every route may end with. */
  errors?: Partial<Record<ErrorStatus, ErrorMeaning>>;
}

export interface RouteSpec<Given extends object, In extends Input, Body> extends Facts {
  access: Access<Given>;
  /** Schemas of what is read of a request: `body`, `params`, `query`, `headers`. */
  input: In & { [Name in Exclude<keyof In, Part>]: never };
  /** The message of a body's issue where the schema alone can't say it. */
  explain?: (issue: z.core.$ZodIssue, body: unknown) => string;
  answers: AnswerKind<Body>;
  /** What its answers need and no request decides. Done once, before the API listens. */
  prepare?: () => void | Promise<void>;
  handle(
    request: Given & Parsed<In> & { answer: AnswerFunction<Body> },
    deps: ApiDeps,
  ): Answer | Promise<Answer>;
}

/** Takes only what the route describes. */
type AnswerFunction<Body> = (body: Body, headers?: Readonly<Record<string, string>>) => Answer;

/** A route for the router and the description. */
export interface Route extends Facts {
  isOpen: boolean;
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
 * The first issue of the first part decides; of a body, a field that is missing or no list comes before an item of a list.
 * An id that names nothing has a status of its own.
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
