/**
 * The schema of the environment. Each process parses it once, at its entry; nothing else reads `process.env`. All problems
 * are reported together. A value that does not parse is an error; it is never replaced by the default.
 *
 * One file, because a variable's schema, its default and its place in Config change together.
 */
import { resolve } from 'node:path';
import ms, { type StringValue } from 'ms';
import { z } from 'zod';
import { type AddedModel, type Catalogue, createCatalogue, modelKeys } from '../models/catalogue.ts';
import {
  DEFAULT_TASK_QUEUE,
  PROMPT_VERSION,
  PROMPT_VERSIONS,
  type PromptVersion,
} from '../contracts/names.ts';
import { parseJsonObject } from '../domain/text/json.ts';
import { parseAddedModels } from '../models/added-models.ts';
import { apiKey, url } from '../models/env-schemas.ts';
import {
  isGrpcHeader,
  loadTemporalConnection,
  type TemporalConnection,
  TemporalEnvironmentError,
} from './temporal-environment.ts';

/** Parses a duration such as `24 hours`, `90 seconds` or `500ms` to milliseconds; null when it is no positive duration. */
export function parseDurationMs(text: string): number | null {
  const duration = text.trim();
  if (!isDuration(duration)) return null;
  const value = Math.round(ms(duration));
  return value > 0 && Number.isSafeInteger(value) ? value : null;
}

/** Requires a unit: `ms` would read a number without a unit as milliseconds. `ms` throws beyond 100 characters. */
function isDuration(text: string): text is StringValue {
  return text.length <= 100 && /^\d+(?:\.\d+)? *[a-z]+$/i.test(text);
}

const duration = z.string().transform((text, ctx) => {
  const value = parseDurationMs(text);
  if (value !== null) return value;
  ctx.addIssue({ code: 'custom', message: 'write a duration such as `24 hours`, `90 seconds` or `500ms`' });
  return z.NEVER;
});

/** A longer time would lead to a date that Postgres does not have. */
const MAX_AGE_MS = 100 * 365 * 86_400_000;

/** Milliseconds, or null for `off` and `0`. */
const durationOrOff = z.string().transform((text, ctx) => {
  if (/^(?:off|0)$/i.test(text.trim())) return null;
  const value = parseDurationMs(text);
  if (value !== null && value <= MAX_AGE_MS) return value;
  ctx.addIssue({
    code: 'custom',
    message: 'write a duration such as `90 days` or `12 hours`, at most 100 years, or `off`',
  });
  return z.NEVER;
});

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);

const otlpProtocol = z.enum(['http/protobuf', 'http/json'], {
  error: 'write http/protobuf or http/json; the port is usually 4318',
});

const signingSecret = z
  .string()
  .refine((text) => Buffer.byteLength(text) >= 32, 'must be at least 32 bytes (RFC 7518, section 3.2)');

/** A token without a `kid` is checked with each key, so their number is limited. */
const MAX_JWT_SECRETS = 10;
/** A map, because a record of zod drops the key `__proto__` without a word. */
const jwtSecrets = z
  .map(z.string().min(1).max(100), signingSecret)
  .refine(({ size }) => size >= 1 && size <= MAX_JWT_SECRETS);
/** `host:port`, with brackets around an IPv6 address. */
const address = z.string().transform((text, ctx) => {
  const { v6, name, port } =
    /^(?:\[(?<v6>[\da-f:.]+)\]|(?<name>[\w.-]+)):(?<port>\d{1,5})$/i.exec(text)?.groups ?? {};
  const host = v6 ?? name;
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) };
  ctx.addIssue({ code: 'custom', message: 'write an address and a port such as `127.0.0.1:9464`' });
  return z.NEVER;
});

/** A limit: 0 for none. */
const limit = z
  .string()
  .regex(/^\d{1,15}$/, 'write a whole number, 0 for no limit')
  .transform(Number);

/** A budget in US dollars: 0 for none. It stays text, because Postgres compares it as a decimal number. */
const dollars = z
  .string()
  .regex(/^\d{1,12}(?:\.\d{1,12})?$/, 'write dollars such as `25` or `0.50`, 0 for no limit');

/** Without a dot, because Temporal joins the deployment and the build with a dot. */
const deploymentPart = z.string().regex(/^[\w-]{1,100}$/, 'write letters, digits, `_` and `-`, 100 at most');

const schema = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: z
    .string()
    .regex(/^\d{1,5}$/, 'write a port number, 0 to 65535')
    .transform(Number)
    .refine((port) => port <= 65_535, 'write a port number, 0 to 65535')
    .default(4600),
  DATABASE_URL: url(['postgres:', 'postgresql:']).optional(),
  TEMPORAL_ADDRESS: z.string().optional(),
  TEMPORAL_NAMESPACE: z.string().optional(),
  /** Temporal's TOML configuration file, and a profile of the file. */
  TEMPORAL_CONFIG_FILE: z.string().optional(),
  TEMPORAL_PROFILE: z.string().optional(),
  TEMPORAL_TASK_QUEUE: z.string().default(DEFAULT_TASK_QUEUE),
  /** Where the Temporal UI is, so that answers can link to a turn in it. */
  TEMPORAL_UI_URL: url(['http:', 'https:']).optional(),
  /** The name of the worker deployment, and the version of this process's workers in it. */
  COPILOT_DEPLOYMENT: deploymentPart.default('copilot'),
  COPILOT_BUILD_ID: deploymentPart.optional(),
  TEMPORAL_API_KEY: apiKey.optional(),
  TEMPORAL_TLS: z.enum(['true', 'false']).optional(),
  TEMPORAL_TLS_CLIENT_CERT_PATH: z.string().optional(),
  TEMPORAL_TLS_CLIENT_CERT_DATA: z.string().optional(),
  TEMPORAL_TLS_CLIENT_KEY_PATH: z.string().optional(),
  TEMPORAL_TLS_CLIENT_KEY_DATA: z.string().optional(),
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: z.string().optional(),
  TEMPORAL_TLS_SERVER_CA_CERT_DATA: z.string().optional(),
  TEMPORAL_TLS_SERVER_NAME: z.string().optional(),
  TEMPORAL_TLS_DISABLE_HOST_VERIFICATION: z.enum(['true', 'false']).optional(),
  COPILOT_DATA_DIR: z.string().default('.copilot'),
  /** Which Temporal the embedded stack runs: the dev server, or the production server on the embedded Postgres. */
  COPILOT_EMBEDDED_TEMPORAL: z.enum(['dev', 'cluster']).default('dev'),
  COPILOT_CLUSTER_SHARDS: z
    .string()
    .regex(/^[1-9]\d{0,3}$/, 'write a whole number of shards, 1 to 9999')
    .transform(Number)
    .default(4),
  JWT_SECRET: signingSecret.optional(),
  /** JSON: further keys of tokens, by their `kid`. */
  JWT_SECRETS: z
    .string()
    .transform((text, ctx) => {
      const secrets = jwtSecrets.safeParse(new Map(Object.entries(parseJsonObject(text) ?? {})));
      if (secrets.success) return secrets.data;
      // Only the form is told: the messages of JSON.parse quote the text.
      ctx.addIssue({
        code: 'custom',
        message: `write a JSON object of 1 to ${MAX_JWT_SECRETS} keys, such as {"2026-12":"<secret>"}; a kid has 1 to 100 characters, a secret at least 32 bytes`,
      });
      return z.NEVER;
    })
    .optional(),
  COPILOT_ALLOWED_ROLES: list
    .refine(
      (roles) => roles.length > 0 && roles.every((role) => ['service_role', 'authenticated'].includes(role)),
      {
        message: 'known roles are service_role and authenticated',
      },
    )
    .default(['service_role']),
  OPENAI_API_KEY: apiKey.optional(),
  OPENAI_BASE_URL: url(['http:', 'https:']).optional(),
  OPENAI_API: z.enum(['responses', 'chat']).optional(),
  ANTHROPIC_API_KEY: apiKey.optional(),
  ANTHROPIC_BASE_URL: url(['http:', 'https:']).optional(),
  /** JSON: models of OpenAI-compatible servers, in addition to the built-in models. */
  COPILOT_MODELS: z.string().optional(),
  /** The model that continues a turn when the turn's own model fails for good. */
  COPILOT_FALLBACK_MODEL: z.string().optional(),
  /** The prompt of new turns. */
  COPILOT_PROMPT_VERSION: z.enum(PROMPT_VERSIONS).default(PROMPT_VERSION),
  COPILOT_CONFIRMATION_TTL: duration.default(24 * 3_600_000),
  COPILOT_EVENTS_RETENTION: durationOrOff.default(90 * 86_400_000),
  COPILOT_SESSION_RETENTION: durationOrOff.default(null),
  /** Temporal's schedules count in seconds. */
  COPILOT_RETENTION_EVERY: duration
    .refine((value) => value >= 1_000, 'write a duration of at least one second')
    .default(3_600_000),
  COPILOT_LIMIT_CHATS_PER_MINUTE: limit.default(60),
  COPILOT_LIMIT_CHATS_PER_MINUTE_TOTAL: limit.default(0),
  COPILOT_LIMIT_RUNNING_TURNS: limit.default(20),
  COPILOT_LIMIT_RUNNING_TURNS_TOTAL: limit.default(0),
  COPILOT_LIMIT_STREAMS: limit.default(50),
  COPILOT_LIMIT_STREAMS_TOTAL: limit.default(0),
  COPILOT_LIMIT_BODY_BYTES_PER_MINUTE: limit.default(512 * 1024 * 1024),
  COPILOT_LIMIT_BODY_BYTES_PER_MINUTE_TOTAL: limit.default(0),
  COPILOT_BUDGET_TOKENS_PER_DAY: limit.default(0),
  COPILOT_BUDGET_USD_PER_DAY: dollars.default('0'),
  COPILOT_BUDGET_TOKENS_PER_SESSION: limit.default(0),
  COPILOT_BUDGET_USD_PER_SESSION: dollars.default('0'),
  /** The login of the SQL tool, when the service may not create a role itself. */
  COPILOT_SQL_DATABASE_URL: url(['postgres:', 'postgresql:']).optional(),
  /** The password of the role that `npm run migrate -- --role` sets up. Only that command reads it. */
  COPILOT_APP_PASSWORD: z
    .string()
    .refine((text) => !text.includes('\0'), 'must not contain a NUL')
    .optional(),
  COPILOT_SQL_MODE: z.enum(['role', 'parser-only']).default('role'),
  COPILOT_CORS_ORIGINS: list
    // Compared with the Origin header as text. An origin in another form would match nothing, without any message.
    .refine((origins) => origins.every((origin) => /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#A-Z]+$/.test(origin)), {
      message: 'write exact origins such as `https://studio.example.com`, in lower case and without a path',
    })
    .default([]),
  /** The scripted model's speed in characters a second; 0 for no delay. */
  COPILOT_DEMO_CHARS_PER_SECOND: z
    .string()
    .regex(/^\d+$/, 'write a whole number of characters a second, 0 for no delay')
    .transform(Number)
    .default(120),
  /** Bearer token that opens `/metrics` to other machines. */
  COPILOT_METRICS_TOKEN: apiKey.optional(),
  /** Where a worker process serves `/metrics`. */
  COPILOT_WORKER_METRICS_ADDRESS: address.optional(),
  /** OpenTelemetry's own variables. Its exporter reads those that are not listed here. */
  OTEL_SDK_DISABLED: z.string().optional(),
  OTEL_TRACES_EXPORTER: z.enum(['otlp', 'none']).optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: url(['http:', 'https:']).optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url(['http:', 'https:']).optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: otlpProtocol.default('http/protobuf'),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: otlpProtocol.optional(),
  OTEL_EXPORTER_OTLP_HEADERS: z.string().optional(),
  OTEL_SERVICE_NAME: z.string().optional(),
  OTEL_RESOURCE_ATTRIBUTES: z.string().optional(),
  OTEL_TRACES_SAMPLER: z
    .enum([
      'always_on',
      'always_off',
      'traceidratio',
      'parentbased_always_on',
      'parentbased_always_off',
      'parentbased_traceidratio',
    ])
    .default('parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .regex(/^(?:0(?:\.\d+)?|1(?:\.0+)?|\.\d+)$/, 'write a number from 0 to 1')
    .transform(Number)
    .default(1),
  OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: z.string().optional(),
  /** What becomes of a caller's `traceparent`. */
  COPILOT_TRACE_CALLERS: z.enum(['link', 'continue']).default('link'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
});

export interface TemporalConfig extends TemporalConnection {
  taskQueue: string;
  /** The address of the Temporal UI. Undefined when the environment names none. */
  uiUrl: string | undefined;
  /** The name that the workers of all versions share. */
  deployment: string;
  /** The version of this process's workers. Null without worker versioning: then they take turns of any version. */
  buildId: string | null;
}

/** How much of something a principal may have, and all principals together; 0 for no limit. */
export interface Limit {
  own: number;
  total: number;
}

export interface Limits {
  chatsPerMinute: Limit;
  runningTurns: Limit;
  streams: Limit;
  bodyBytesPerMinute: Limit;
}

/** What model calls may use; 0 for no limit. Dollars are decimal text. A day is a day in UTC, of one principal. */
export interface Budgets {
  tokensPerDay: number;
  usdPerDay: string;
  tokensPerSession: number;
  usdPerSession: string;
}

/** How traces are made. Where they are sent, the exporter reads itself. */
export interface TracingConfig {
  protocol: 'http/protobuf' | 'http/json';
  sampler: { name: string; ratio: number };
  /** Whether spans of model calls hold the messages and the answer. */
  withContent: boolean;
  /** Whether a request goes on in the trace that its caller names. If not, its own trace has a link to that one. */
  continuesCallers: boolean;
}

export interface Config {
  host: string;
  port: number;
  /** Undefined for the embedded Postgres of the data folder. */
  databaseUrl: string | undefined;
  temporal: TemporalConfig;
  /** The absolute path of the data folder. */
  dataDir: string;
  embeddedTemporal: 'dev' | 'cluster';
  /** The history shards of a new embedded cluster. */
  clusterShards: number;
  /** Undefined for the secret of the data folder, which the first start creates. */
  jwtSecret: string | undefined;
  /** Further secrets that tokens may be signed with, by their `kid`. */
  jwtSecrets: ReadonlyMap<string, string>;
  allowedRoles: readonly string[];
  openai: { apiKey: string | undefined; baseUrl: string | undefined; api: 'responses' | 'chat' };
  anthropic: { apiKey: string | undefined; baseUrl: string | undefined };
  addedModels: readonly AddedModel[];
  /** Null without a fallback: then a turn ends when its model fails for good. */
  fallbackModel: string | null;
  promptVersion: PromptVersion;
  confirmationTtlMs: number;
  /** What is deleted by its age, and how often this is looked for. Null: never. */
  retention: { eventsMs: number | null; sessionsMs: number | null; everyMs: number };
  limits: Limits;
  budgets: Budgets;
  /** The login that an operator created for the model's SQL. Undefined when the service creates the role. */
  sqlDatabaseUrl: string | undefined;
  sqlMode: 'role' | 'parser-only';
  /** Undefined when the role of API and worker has its password from elsewhere. */
  appPassword: string | undefined;
  corsOrigins: readonly string[];
  demoCharsPerSecond: number;
  /** Undefined without one: then other machines need a token of service_role. */
  metricsToken: string | undefined;
  /** Null when a worker process serves no metrics. */
  workerMetrics: { host: string; port: number } | null;
  /** Null when no traces are made. */
  tracing: TracingConfig | null;
  logLevel: string;
}

/** Thrown when the environment does not parse. The message lists every problem on a line of its own, without the values. */
export class ConfigError extends Error {
  readonly code = 'CONFIG';
}

/** Parses an environment. Empty values count as absent. Throws ConfigError with all problems. */
export function loadConfig(env: Record<string, string | undefined>): Config {
  const present = Object.fromEntries(
    Object.entries(env).flatMap(([key, value]) =>
      value !== undefined && value !== '' && (key in schema.shape || isGrpcHeader(key))
        ? [[key, value] as const]
        : [],
    ),
  );
  const parsed = schema.safeParse(present);
  const problems = (parsed.error?.issues ?? []).map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  let addedModels: AddedModel[] = [];
  try {
    if (present.COPILOT_MODELS !== undefined) addedModels = parseAddedModels(present.COPILOT_MODELS, env);
  } catch (error: unknown) {
    problems.push(`COPILOT_MODELS: ${(error as Error).message}`);
  }
  if (!parsed.success || problems.length > 0) throw unusable(problems);
  const e = parsed.data;
  const temporal = readTemporal({
    ...present,
    ...(e.TEMPORAL_API_KEY === undefined ? {} : { TEMPORAL_API_KEY: e.TEMPORAL_API_KEY }),
  });
  const config: Config = {
    host: e.HOST,
    port: e.PORT,
    databaseUrl: e.DATABASE_URL,
    temporal: {
      ...temporal,
      taskQueue: e.TEMPORAL_TASK_QUEUE,
      uiUrl: e.TEMPORAL_UI_URL,
      deployment: e.COPILOT_DEPLOYMENT,
      buildId: e.COPILOT_BUILD_ID ?? null,
    },
    dataDir: resolve(e.COPILOT_DATA_DIR),
    embeddedTemporal: e.COPILOT_EMBEDDED_TEMPORAL,
    clusterShards: e.COPILOT_CLUSTER_SHARDS,
    jwtSecret: e.JWT_SECRET,
    jwtSecrets: e.JWT_SECRETS ?? new Map<string, string>(),
    allowedRoles: e.COPILOT_ALLOWED_ROLES,
    openai: {
      apiKey: e.OPENAI_API_KEY,
      baseUrl: e.OPENAI_BASE_URL,
      api: e.OPENAI_API ?? (e.OPENAI_BASE_URL === undefined ? 'responses' : 'chat'),
    },
    anthropic: { apiKey: e.ANTHROPIC_API_KEY, baseUrl: e.ANTHROPIC_BASE_URL },
    addedModels,
    fallbackModel: e.COPILOT_FALLBACK_MODEL ?? null,
    promptVersion: e.COPILOT_PROMPT_VERSION,
    confirmationTtlMs: e.COPILOT_CONFIRMATION_TTL,
    retention: {
      eventsMs: e.COPILOT_EVENTS_RETENTION,
      sessionsMs: e.COPILOT_SESSION_RETENTION,
      everyMs: e.COPILOT_RETENTION_EVERY,
    },
    limits: {
      chatsPerMinute: {
        own: e.COPILOT_LIMIT_CHATS_PER_MINUTE,
        total: e.COPILOT_LIMIT_CHATS_PER_MINUTE_TOTAL,
      },
      runningTurns: { own: e.COPILOT_LIMIT_RUNNING_TURNS, total: e.COPILOT_LIMIT_RUNNING_TURNS_TOTAL },
      streams: { own: e.COPILOT_LIMIT_STREAMS, total: e.COPILOT_LIMIT_STREAMS_TOTAL },
      bodyBytesPerMinute: {
        own: e.COPILOT_LIMIT_BODY_BYTES_PER_MINUTE,
        total: e.COPILOT_LIMIT_BODY_BYTES_PER_MINUTE_TOTAL,
      },
    },
    budgets: {
      tokensPerDay: e.COPILOT_BUDGET_TOKENS_PER_DAY,
      usdPerDay: e.COPILOT_BUDGET_USD_PER_DAY,
      tokensPerSession: e.COPILOT_BUDGET_TOKENS_PER_SESSION,
      usdPerSession: e.COPILOT_BUDGET_USD_PER_SESSION,
    },
    sqlDatabaseUrl: e.COPILOT_SQL_DATABASE_URL,
    sqlMode: e.COPILOT_SQL_MODE,
    appPassword: e.COPILOT_APP_PASSWORD,
    corsOrigins: e.COPILOT_CORS_ORIGINS,
    demoCharsPerSecond: e.COPILOT_DEMO_CHARS_PER_SECOND,
    metricsToken: e.COPILOT_METRICS_TOKEN,
    workerMetrics: e.COPILOT_WORKER_METRICS_ADDRESS ?? null,
    tracing: readTracing(e),
    logLevel: e.LOG_LEVEL,
  };
  if (config.fallbackModel !== null && !catalogueOf(config).isAvailable(config.fallbackModel)) {
    throw unusable([
      "COPILOT_FALLBACK_MODEL: no model of that id is available; check its id and its provider's key",
    ]);
  }
  return config;
}

/** Traces are on when an endpoint or the exporter is named, and nothing turns them off. */
function readTracing(e: z.output<typeof schema>): TracingConfig | null {
  const isAsked =
    e.OTEL_TRACES_EXPORTER === 'otlp' ||
    e.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined ||
    e.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT !== undefined;
  const isOff = isTrue(e.OTEL_SDK_DISABLED) || e.OTEL_TRACES_EXPORTER === 'none';
  if (!isAsked || isOff) return null;
  return {
    protocol: e.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? e.OTEL_EXPORTER_OTLP_PROTOCOL,
    sampler: { name: e.OTEL_TRACES_SAMPLER, ratio: e.OTEL_TRACES_SAMPLER_ARG },
    withContent: isTrue(e.OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT),
    continuesCallers: e.COPILOT_TRACE_CALLERS === 'continue',
  };
}

/** As OpenTelemetry reads a boolean: any value but `true` is false. */
function isTrue(text: string | undefined): boolean {
  return text?.trim().toLowerCase() === 'true';
}

function readTemporal(env: Readonly<Record<string, string>>): TemporalConnection {
  try {
    return loadTemporalConnection(env);
  } catch (error: unknown) {
    throw error instanceof TemporalEnvironmentError ? unusable([error.message]) : error;
  }
}

function unusable(problems: readonly string[]): ConfigError {
  const lines = problems.map((problem) => `  ${problem}`);
  return new ConfigError(`The environment has values that can't be used:\n${lines.join('\n')}`);
}

/** The catalogue of models of a configuration. */
export function catalogueOf(config: Pick<Config, 'openai' | 'anthropic' | 'addedModels'>): Catalogue {
  return createCatalogue(modelKeys(config), config.addedModels);
}
