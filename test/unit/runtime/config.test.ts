/** The environment's one schema: defaults, forms, and every problem told at once without its value. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConfigError, loadConfig, parseDurationMs } from '../../../runtime/config.ts';

/** Without the fields that are undefined. */
const plain = (value: unknown): unknown =>
  Object.fromEntries(Object.entries(value as object).filter(([, field]) => field !== undefined));

/** The variables that an environment is refused for. */
const refused = (env: Record<string, string>): string[] => {
  try {
    loadConfig(env);
  } catch (error: unknown) {
    assert.ok(error instanceof ConfigError);
    return [...error.message.matchAll(/^ {2}([A-Z_]+): /gm)].map((match) => match[1]!);
  }
  return [];
};

test('without any variable: this machine only, the embedded stack, the demo', () => {
  const config = loadConfig({});
  assert.equal(config.host, '127.0.0.1');
  assert.equal(config.port, 4600);
  assert.equal(config.databaseUrl, undefined);
  assert.equal(config.temporal.address, undefined);
  assert.equal(config.temporal.namespace, 'default');
  assert.equal(config.temporal.taskQueue, 'copilot');
  assert.equal(config.temporal.tls, false);
  assert.equal(config.dataDir, resolve('.copilot'));
  assert.equal(config.embeddedTemporal, 'dev');
  assert.equal(config.clusterShards, 4);
  assert.equal(config.jwtSecret, undefined);
  assert.deepEqual(config.allowedRoles, ['service_role']);
  assert.deepEqual(config.openai, { apiKey: undefined, baseUrl: undefined, api: 'responses' });
  assert.deepEqual(config.anthropic, { apiKey: undefined, baseUrl: undefined });
  assert.equal(config.confirmationTtlMs, 86_400_000);
  assert.deepEqual(config.corsOrigins, []);
  assert.equal(config.logLevel, 'info');
  assert.ok(config.demoCharsPerSecond > 0, 'a human pace');
  assert.deepEqual([config.metricsToken, config.workerMetrics], [undefined, null]);
  assert.deepEqual(config.limits, {
    chatsPerMinute: { own: 60, total: 0 },
    runningTurns: { own: 20, total: 0 },
    streams: { own: 50, total: 0 },
    bodyBytesPerMinute: { own: 536_870_912, total: 0 },
  });
  assert.deepEqual(config.budgets, {
    tokensPerDay: 0,
    usdPerDay: '0',
    tokensPerSession: 0,
    usdPerSession: '0',
  });
});

test('traces are on when an endpoint or the exporter is named, and nothing turns them off', () => {
  const OTEL_EXPORTER_OTLP_ENDPOINT = 'http://127.0.0.1:4318';
  for (const env of [
    { OTEL_EXPORTER_OTLP_ENDPOINT },
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: OTEL_EXPORTER_OTLP_ENDPOINT },
    { OTEL_TRACES_EXPORTER: 'otlp' },
    { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SDK_DISABLED: 'no' },
  ])
    assert.deepEqual(loadConfig(env).tracing, {
      protocol: 'http/protobuf',
      sampler: { name: 'parentbased_always_on', ratio: 1 },
      withContent: false,
      continuesCallers: false,
    });
  for (const env of [
    {},
    { OTEL_SERVICE_NAME: 'x' },
    { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SDK_DISABLED: 'true' },
    { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER: 'none' },
  ])
    assert.equal(loadConfig(env).tracing, null);
  const { tracing } = loadConfig({
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json',
    OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'TRUE',
    COPILOT_TRACE_CALLERS: 'continue',
  });
  assert.deepEqual(
    [tracing?.protocol, tracing?.withContent, tracing?.continuesCallers],
    ['http/json', true, true],
  );
});

test('an empty value is an absent one, and unknown variables are not ours', () => {
  const names = ['PORT', 'DATABASE_URL', 'OPENAI_API_KEY', 'OPENAI_BASE_URL', 'OPENAI_API', 'JWT_SECRET'];
  const empty = Object.fromEntries(names.map((name) => [name, '']));
  assert.deepEqual(loadConfig({ ...empty, HOST: undefined, PATH: '/bin', constructor: 'x' }), loadConfig({}));
});

test('all problems are told together, none with its value', () => {
  const wrong = {
    PORT: '70000',
    DATABASE_URL: 'mysql://root:hunter2@host/db',
    JWT_SECRET: 'hunter2',
    JWT_SECRETS: '{"a":"hunter2"}',
    COPILOT_ALLOWED_ROLES: 'service_role,hunter2',
    OPENAI_API_KEY: 'hunter2\u0000',
    OPENAI_BASE_URL: 'hunter2',
    OPENAI_API: 'hunter2',
    TEMPORAL_TLS: 'hunter2',
    COPILOT_CONFIRMATION_TTL: 'hunter2',
    COPILOT_CORS_ORIGINS: 'hunter2',
    COPILOT_LIMIT_STREAMS: 'hunter2',
    COPILOT_BUDGET_USD_PER_DAY: 'hunter2',
    COPILOT_DEMO_CHARS_PER_SECOND: 'hunter2',
    LOG_LEVEL: 'hunter2',
  };
  assert.deepEqual([...new Set(refused(wrong))].sort(), Object.keys(wrong).sort());
  assert.throws(
    () => loadConfig(wrong),
    (error) => error instanceof ConfigError && !error.message.includes('hunter2'),
  );
});

test('a kid may have the name of a property of every object', () => {
  const secret = 'x'.repeat(32);
  const { jwtSecrets } = loadConfig({ JWT_SECRETS: `{"__proto__":"${secret}","constructor":"${secret}"}` });
  assert.deepEqual(
    jwtSecrets,
    new Map([
      ['__proto__', secret],
      ['constructor', secret],
    ]),
  );
  assert.ok(refused({ JWT_SECRETS: '{"__proto__":"short"}' }).includes('JWT_SECRETS'));
});

test('each variable: what is taken and what is not', () => {
  const secret = 'x'.repeat(32);
  const cases: Record<string, { taken: string[]; refused: string[] }> = {
    PORT: { taken: ['0', '80', '65535'], refused: ['65536', '-1', '1.5', ' 80', '0x50', 'http'] },
    DATABASE_URL: {
      taken: ['postgres://a:b@h:1/d', 'postgresql://h/d'],
      refused: ['localhost:5432', 'http://h/d'],
    },
    // Counted in bytes: sixteen of these letters are enough.
    JWT_SECRET: { taken: [secret, 'é'.repeat(16)], refused: [secret.slice(1), 'é'.repeat(15)] },
    JWT_SECRETS: {
      taken: [
        JSON.stringify({ a: secret }),
        JSON.stringify(Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`k${n}`, secret]))),
      ],
      refused: [
        '{}',
        '[]',
        'a:b',
        secret,
        JSON.stringify({ a: secret.slice(1) }),
        JSON.stringify({ '': secret }),
        JSON.stringify({ a: 1 }),
        JSON.stringify(Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`k${n}`, secret]))),
      ],
    },
    COPILOT_ALLOWED_ROLES: {
      taken: ['authenticated', 'service_role, authenticated'],
      refused: ['anon', ','],
    },
    OPENAI_API_KEY: { taken: ['sk-1', ' sk-1\r\n'], refused: [' ', 'sk 1', 'sk-“1”'] },
    OPENAI_BASE_URL: { taken: ['http://localhost:1/v1'], refused: ['localhost:1/v1', 'ftp://x'] },
    OPENAI_API: { taken: ['chat', 'responses'], refused: ['Chat', 'completions'] },
    TEMPORAL_TLS: { taken: ['true', 'false'], refused: ['1', 'yes', 'TRUE'] },
    TEMPORAL_TLS_DISABLE_HOST_VERIFICATION: { taken: ['true', 'false'], refused: ['0', 'no'] },
    COPILOT_CONFIRMATION_TTL: { taken: ['1 hour', '90 seconds'], refused: ['24', '0 hours', '-1 hours'] },
    COPILOT_CORS_ORIGINS: {
      taken: ['https://a.example', 'https://a.example, http://localhost:3000', 'tauri://localhost'],
      refused: ['*', 'a.example', 'https://a.example/', 'https://A.example', 'https://a.example,https://b/x'],
    },
    COPILOT_DEMO_CHARS_PER_SECOND: { taken: ['0', '500'], refused: ['fast', '-1', '1.5'] },
    COPILOT_METRICS_TOKEN: { taken: ['t', 'a~b'], refused: ['two words', 'cr\rlf'] },
    COPILOT_WORKER_METRICS_ADDRESS: {
      taken: ['127.0.0.1:9464', '0.0.0.0:0', '[::1]:9464', 'worker-1.internal:1'],
      refused: ['9464', ':9464', '127.0.0.1', '127.0.0.1:65536', '::1:9464', 'http://host:1', 'host:-1'],
    },
    COPILOT_LIMIT_CHATS_PER_MINUTE_TOTAL: { taken: ['0', '100'], refused: ['many', '-1', '1.5', '1e9'] },
    COPILOT_BUDGET_TOKENS_PER_DAY: { taken: ['0', '100000000'], refused: ['1.5', '-1', '1k'] },
    COPILOT_BUDGET_USD_PER_SESSION: { taken: ['0', '25', '0.50'], refused: ['-1', '.5', '5.', '$5', '1e3'] },
    COPILOT_EMBEDDED_TEMPORAL: { taken: ['dev', 'cluster'], refused: ['prod', 'Dev'] },
    COPILOT_CLUSTER_SHARDS: { taken: ['1', '512'], refused: ['0', '-4', '1.5', 'many', '10000'] },
    OTEL_EXPORTER_OTLP_ENDPOINT: {
      taken: ['http://127.0.0.1:4318', 'https://h/p'],
      refused: ['h:4317', 'grpc://h'],
    },
    OTEL_EXPORTER_OTLP_PROTOCOL: { taken: ['http/json', 'http/protobuf'], refused: ['grpc'] },
    OTEL_TRACES_EXPORTER: { taken: ['otlp', 'none'], refused: ['zipkin'] },
    OTEL_TRACES_SAMPLER: { taken: ['always_on', 'parentbased_traceidratio'], refused: ['jaeger_remote'] },
    COPILOT_TRACE_CALLERS: { taken: ['link', 'continue'], refused: ['true', 'none'] },
    OTEL_TRACES_SAMPLER_ARG: { taken: ['0', '0.25', '.5', '1', '1.0'], refused: ['2', '-1', 'half'] },
    LOG_LEVEL: { taken: ['debug', 'silent'], refused: ['verbose', 'INFO'] },
  };
  for (const [name, { taken, refused: wrong }] of Object.entries(cases)) {
    for (const value of taken) assert.deepEqual(refused({ [name]: value }), [], `${name}=${value}`);
    for (const value of wrong) assert.deepEqual(refused({ [name]: value }), [name], `${name}=${value}`);
  }
});

test('lists are split and trimmed, keys lose the white space around them, the folder is absolute', () => {
  const config = loadConfig({
    COPILOT_CORS_ORIGINS: ' https://a.example ,,http://b:1 ',
    OPENAI_API_KEY: ' sk-1\r\n',
    COPILOT_DATA_DIR: 'some/folder',
    PORT: '0',
  });
  assert.deepEqual(config.corsOrigins, ['https://a.example', 'http://b:1']);
  assert.equal(config.openai.apiKey, 'sk-1');
  assert.ok(isAbsolute(config.dataDir));
  assert.equal(config.port, 0);
});

test('TLS: by its two words, by an API key, by a certificate, a CA or a server name', () => {
  const tls = (env: Record<string, string>) => loadConfig(env).temporal.tls;
  assert.equal(tls({}), false);
  assert.ok(tls({ TEMPORAL_TLS: 'true' }));
  assert.equal(tls({ TEMPORAL_TLS: 'false', TEMPORAL_API_KEY: 'k' }), false);
  assert.equal(tls({ TEMPORAL_API_KEY: 'k' }), true);
  assert.deepEqual(plain(tls({ TEMPORAL_TLS_SERVER_NAME: 'a.example' })), {
    serverNameOverride: 'a.example',
  });
  const pem = { TEMPORAL_TLS_CLIENT_CERT_DATA: 'crt', TEMPORAL_TLS_CLIENT_KEY_DATA: 'key' };
  assert.deepEqual(plain(tls({ ...pem, TEMPORAL_TLS_SERVER_CA_CERT_DATA: 'ca' })), {
    serverRootCACertificate: new TextEncoder().encode('ca'),
    clientCertPair: { crt: new TextEncoder().encode('crt'), key: new TextEncoder().encode('key') },
  });
});

test('a host check that is switched off, or a file that is not there, stops the start', () => {
  const TEMPORAL_TLS_DISABLE_HOST_VERIFICATION = 'true';
  assert.equal(loadConfig({ TEMPORAL_TLS_DISABLE_HOST_VERIFICATION }).temporal.tls, false);
  for (const [env, message] of [
    [{ TEMPORAL_TLS_DISABLE_HOST_VERIFICATION, TEMPORAL_TLS: 'true' }, /not supported; give the CA/],
    [{ TEMPORAL_TLS_DISABLE_HOST_VERIFICATION, TEMPORAL_API_KEY: 'k' }, /not supported; give the CA/],
    [{ TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/no/such/ca.pem' }, /no\/such\/ca\.pem/],
    [{ TEMPORAL_CONFIG_FILE: '/no/such/temporal.toml' }, /no\/such\/temporal\.toml/],
  ] as const)
    assert.throws(
      () => loadConfig(env),
      (error) => error instanceof ConfigError && message.test(error.message),
    );
});

test("a profile of Temporal's TOML file is read when it is named, and variables win over it", () => {
  const folder = mkdtempSync(join(tmpdir(), 'copilot-toml-'));
  try {
    const TEMPORAL_CONFIG_FILE = join(folder, 'temporal.toml');
    writeFileSync(
      TEMPORAL_CONFIG_FILE,
      '[profile.default]\naddress = "a:1"\n[profile.cloud]\naddress = "b:2"\nnamespace = "ns"\napi_key = "k"\n',
    );
    const temporal = (env: Record<string, string>) => loadConfig({ TEMPORAL_CONFIG_FILE, ...env }).temporal;
    assert.equal(temporal({}).address, 'a:1');
    const { address, namespace, apiKey, tls } = temporal({ TEMPORAL_PROFILE: 'cloud' });
    assert.deepEqual(
      { address, namespace, apiKey, tls },
      { address: 'b:2', namespace: 'ns', apiKey: 'k', tls: true },
    );
    assert.equal(temporal({ TEMPORAL_PROFILE: 'cloud', TEMPORAL_ADDRESS: 'c:3' }).address, 'c:3');
    assert.throws(() => temporal({ TEMPORAL_PROFILE: 'other' }), ConfigError);
    writeFileSync(TEMPORAL_CONFIG_FILE, '[profile.default]\napi_key = "hunter2" and more\n');
    assert.throws(
      () => temporal({}),
      (error) => error instanceof ConfigError && !error.message.includes('hunter2'),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
  // The file of the CLI in its usual place is nobody's wish.
  assert.equal(loadConfig({ HOME: folder, XDG_CONFIG_HOME: folder }).temporal.address, undefined);
});

test('TEMPORAL_GRPC_META_ variables become headers', () => {
  assert.deepEqual(loadConfig({ TEMPORAL_GRPC_META_X_TEAM: 'copilot' }).temporal.metadata, {
    'x-team': 'copilot',
  });
});

test('a base URL means Chat Completions, unless OPENAI_API says otherwise', () => {
  const OPENAI_BASE_URL = 'http://localhost:11434/v1';
  const api = (env: Record<string, string>) => loadConfig(env).openai.api;
  assert.equal(api({ OPENAI_API_KEY: 'k' }), 'responses');
  assert.equal(api({ OPENAI_BASE_URL }), 'chat');
  assert.equal(api({ OPENAI_BASE_URL, OPENAI_API: 'responses' }), 'responses');
  assert.equal(api({ OPENAI_API: 'chat' }), 'chat');
});

test('durations: a number and its unit', () => {
  const cases: [string, number | null][] = [
    ['24 hours', 86_400_000],
    ['1 hour', 3_600_000],
    ['90 seconds', 90_000],
    ['500ms', 500],
    [' 1.5 Minutes ', 90_000],
    ['7d', 604_800_000],
    ['2 hrs', 7_200_000],
    ['1 week', 604_800_000],
    [`${'1'.repeat(101)} ms`, null],
    ['24', null],
    ['', null],
    ['0 seconds', null],
    ['0.1 ms', null],
    ['-5 minutes', null],
    ['1 hour 30 minutes', null],
    ['1e3 ms', null],
    ['five minutes', null],
    ['5 fortnights', null],
    [`${'9'.repeat(400)} days`, null],
    ['9007199254740991 days', null],
  ];
  for (const [text, ms] of cases) assert.equal(parseDurationMs(text), ms, text);
});

test('any text is a positive whole number of milliseconds or nothing', () => {
  const units = fc.constantFrom('ms', 's', 'seconds', 'm', 'hours', 'days', 'constructor', 'x', '');
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.tuple(fc.double(), units).map(([n, unit]) => `${n} ${unit}`),
      ),
      (text) => {
        const ms = parseDurationMs(text);
        assert.ok(ms === null || (Number.isSafeInteger(ms) && ms > 0), text);
      },
    ),
  );
});

test('retention: 90 days of events, every session, once an hour; `off` and 0 keep everything', () => {
  const retention = (env: Record<string, string>) => loadConfig(env).retention;
  assert.deepEqual(retention({}), { eventsMs: 90 * 86_400_000, sessionsMs: null, everyMs: 3_600_000 });
  for (const off of ['off', 'OFF', '0', ' 0 '])
    assert.deepEqual(retention({ COPILOT_EVENTS_RETENTION: off, COPILOT_SESSION_RETENTION: off }), {
      eventsMs: null,
      sessionsMs: null,
      everyMs: 3_600_000,
    });
  assert.deepEqual(
    retention({
      COPILOT_EVENTS_RETENTION: '5 seconds',
      COPILOT_SESSION_RETENTION: '30 days',
      COPILOT_RETENTION_EVERY: '2 seconds',
    }),
    { eventsMs: 5_000, sessionsMs: 30 * 86_400_000, everyMs: 2_000 },
  );
  const wrong = {
    COPILOT_EVENTS_RETENTION: '90',
    COPILOT_SESSION_RETENTION: 'never',
    COPILOT_RETENTION_EVERY: '500ms',
  };
  assert.deepEqual(refused(wrong).sort(), Object.keys(wrong).sort());
  assert.deepEqual(refused({ COPILOT_EVENTS_RETENTION: '101 years' }), ['COPILOT_EVENTS_RETENTION']);
});

test('a build id turns worker versioning on, and the deployment has a name without one', () => {
  const versionOf = (env: Record<string, string>) => {
    const { deployment, buildId } = loadConfig(env).temporal;
    return [deployment, buildId];
  };
  assert.deepEqual(versionOf({}), ['copilot', null]);
  assert.deepEqual(versionOf({ COPILOT_BUILD_ID: 'a1b2c3' }), ['copilot', 'a1b2c3']);
  assert.deepEqual(versionOf({ COPILOT_DEPLOYMENT: 'other', COPILOT_BUILD_ID: '7' }), ['other', '7']);
  assert.throws(
    () => loadConfig({ COPILOT_DEPLOYMENT: 'a.b', COPILOT_BUILD_ID: 'c' }),
    /COPILOT_DEPLOYMENT: write letters/,
  );
});
