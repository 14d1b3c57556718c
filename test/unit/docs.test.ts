/** Documents that name what code defines are held to it. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { parseEnv } from 'node:util';
import { turnEventSchemas } from '../../contracts/events.ts';
import { ERROR_CODES } from '../../contracts/errors.ts';
import { SEARCH_ATTRIBUTES, STOP_REASONS } from '../../contracts/names.ts';
import { COMPATIBLE_DEFAULTS, MODELS } from '../../models/models.ts';
import { FAILURES } from '../../llm/adapters/provider-errors.ts';
import { FINDINGS } from '../../domain/rules/findings.ts';
import { APP_RIGHTS } from '../../db/schema/app-role.ts';
import { loadConfig } from '../../runtime/config.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const DOCUMENTS = globSync('{*.md,docs/**/*.md,{bench,client,eval}/*.md}', { cwd: ROOT });
/** Rooms of which another room imports one file as a value, and the rest as types. */
const NAMED_FILES = new Set(['workflows contracts', 'api workflows']);
/** Variables of docker-compose.yml that the service itself does not read. */
const COMPOSE_ONLY = ['POSTGRES_PASSWORD', 'API_BIND', 'API_PORT', 'TEMPORAL_UI_PORT'];

function configVariables(): string[] {
  const source = read('runtime/config.ts');
  const schema = source.slice(source.indexOf('const schema ='), source.indexOf('export interface'));
  return [...schema.matchAll(/^ {2}([A-Z][A-Z0-9_]+):/gm)].map((match) => match[1]!);
}

test('.env.example lists every variable of the configuration, and no other', () => {
  const listed = Object.keys(parseEnv(read('.env.example')));
  assert.deepEqual(listed.toSorted(), [...configVariables(), ...COMPOSE_ONLY].toSorted());
});

test('.env.example as it is changes nothing, and its defaults are the real ones', () => {
  const example = read('.env.example');
  assert.deepEqual(loadConfig(parseEnv(example) as Record<string, string>), loadConfig({}));
  const defaults = loadConfig({});
  for (const [text, value] of [
    ['Default: 127.0.0.1.', defaults.host],
    ['Default: 4600', defaults.port],
    ['Default: copilot', defaults.temporal.taskQueue],
    ['Default: dev', defaults.embeddedTemporal],
    ['Default: 4\n', defaults.clusterShards],
    ['Default: service_role', defaults.allowedRoles.join()],
    ['Default: 120', defaults.demoCharsPerSecond],
    ['Default: info', defaults.logLevel],
    ['Default: 90 days', defaults.retention.eventsMs! / 86_400_000],
    ['Default: 1 hours', defaults.retention.everyMs / 3_600_000],
    ['Default: v2', defaults.promptVersion],
    ['Default: 60', defaults.limits.chatsPerMinute.own],
    ['Default: 20', defaults.limits.runningTurns.own],
    ['Default: 50', defaults.limits.streams.own],
    ['Default: 536870912', defaults.limits.bodyBytesPerMinute.own],
  ] as const) {
    assert.ok(example.includes(text) && text.includes(String(value)), text);
  }
});

test('docker-compose.yml uses variables that .env.example lists', () => {
  const listed = new Set(Object.keys(parseEnv(read('.env.example'))));
  const used = [...read('docker-compose.yml').matchAll(/(?<!\$)\$\{([A-Z_]+)/g)].map((match) => match[1]!);
  assert.deepEqual(
    used.filter((name) => !listed.has(name)),
    [],
  );
  for (const name of Object.values(SEARCH_ATTRIBUTES))
    assert.ok(read('docker-compose.yml').includes(`--name ${name} `), name);
});

test('docker-compose.yml passes on every variable, but for those that name its own servers', () => {
  const compose = read('docker-compose.yml');
  const own =
    /^(HOST|PORT|DATABASE_URL|COPILOT_(DATA_DIR|EMBEDDED_TEMPORAL|CLUSTER_SHARDS)|TEMPORAL_(ADDRESS|NAMESPACE|API_KEY|CONFIG_FILE|PROFILE|TLS.*))$/;
  assert.deepEqual(
    configVariables().filter(
      (name) => !own.test(name) && !new RegExp(`^ +${name}: \\$\\{${name}:`, 'm').test(compose),
    ),
    [],
  );
});

test('the image holds every room that a role imports', () => {
  const dockerfile = read('Dockerfile');
  const ignore = read('.dockerignore');
  for (const room of [
    'activities',
    'api',
    'bin',
    'contracts',
    'db',
    'domain',
    'llm',
    'models',
    'runtime',
    'stack',
    'worker',
    'workflows',
  ]) {
    assert.ok(dockerfile.includes(`COPY ${room} ${room}\n`), room);
    assert.ok(ignore.includes(`!${room}\n`), room);
  }
});

test('docs/postgres-role.md gives each table the rights that the role gets', () => {
  const documented = Object.fromEntries(
    read('docs/postgres-role.md')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .flatMap((line) => {
        const [, tables, rights] = line.split('|');
        return tables!
          .split(',')
          .map((table) => [table.trim().replaceAll('`', ''), rights!.trim().split(', ')]);
      }),
  );
  const rights = Object.entries(APP_RIGHTS).filter(([, granted]) => granted.length > 0);
  assert.deepEqual(documented, Object.fromEntries(rights));
});

test('docs/protocol.md describes every event with its fields, every error code and every stop reason', () => {
  const protocol = read('docs/protocol.md');
  for (const [name, schema] of Object.entries(turnEventSchemas)) {
    const line = protocol.split('\n').find((text) => text.startsWith(`| \`${name}\` |`));
    assert.ok(line, name);
    for (const field of Object.keys(schema.shape)) assert.ok(line.includes(field), `${name}.${field}`);
  }
  for (const word of [...ERROR_CODES, ...STOP_REASONS]) assert.ok(protocol.includes(word), word);
});

test('every relative link and every path of a document leads to a file', () => {
  for (const document of DOCUMENTS) {
    const text = read(document);
    for (const [, target] of text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g))
      assert.ok(existsSync(join(ROOT, dirname(document), target!)), `${document}: ${target}`);
    for (const [path] of text.matchAll(
      /\b(?:docs|bench|eval|bin|stack|models|runtime|workflows|contracts|api|db|worker|activities|llm|domain|test)\/[\w/.-]*\w\.(?:md|ts|mjs|sql)\b/g,
    ))
      assert.ok(existsSync(join(ROOT, path)), `${document}: ${path}`);
  }
});

test('no line of a document is wider than 125 columns, but for tables, links and code', () => {
  for (const document of DOCUMENTS) {
    let isCode = false;
    const wide = read(document)
      .split('\n')
      .flatMap((line, index) => {
        if (line.startsWith('```')) isCode = !isCode;
        const isFree = isCode || line.startsWith('|') || !line.trim().includes(' ');
        return isFree || line.length <= 125 ? [] : [index + 1];
      });
    assert.deepEqual(wide, [], document);
  }
});

interface LintRules {
  overrides: {
    files: string[];
    rules: {
      'no-restricted-imports'?:
        | ['error', { patterns: { group?: string[]; regex?: string; allowTypeImports?: boolean }[] }]
        | 'off';
    };
  }[];
}

test('docs/architecture.md draws the arrows between the rooms that lint allows, and no other', () => {
  const { overrides } = JSON.parse(read('.oxlintrc.json')) as LintRules;
  const allowed: string[] = [];
  for (const { files, rules } of overrides) {
    const room = /^(\w+)\/\*\*$/.exec(files[0]!)?.[1];
    const restricted = rules['no-restricted-imports'];
    if (room === undefined || !Array.isArray(restricted)) continue;
    const { patterns } = restricted[1];
    const typesOnly = patterns
      .filter((pattern) => pattern.allowTypeImports)
      .map(({ regex }) => new RegExp(regex!));
    for (const entry of patterns.flatMap((pattern) => pattern.group ?? [])) {
      const target = /^!\.\.\/(\w+)\/\*\*$/.exec(entry)?.[1];
      if (target === undefined || target === room || !existsSync(join(ROOT, target))) continue;
      // A room of which single files may be imported as values has a solid arrow with the file's name on it.
      const dotted = typesOnly.some((regex) => regex.test(`../${target}/a.ts`));
      const named = dotted && NAMED_FILES.has(`${room} ${target}`);
      allowed.push(`${room} ${dotted && !named ? '-.->' : '-->'} ${target}`);
    }
  }
  const picture = read('docs/architecture.md').split('```mermaid')[2]!.split('```')[0]!;
  const drawn = [...picture.matchAll(/^ *(\w+) (?:-- "[\w.]+" )?(-->|-\.->) (.+)$/gm)].flatMap(
    ([, from, arrow, targets]) => targets!.split(' & ').map((to) => `${from} ${arrow} ${to}`),
  );
  assert.deepEqual(drawn.toSorted(), [...new Set(allowed)].toSorted());
});

test('.nvmrc, the packaged Node and the one that the bootstrap asks for are the same', () => {
  const { devDependencies, engines } = JSON.parse(read('package.json')) as {
    devDependencies: Record<string, string>;
    engines: { node: string };
  };
  const major = read('.nvmrc').trim();
  assert.equal(/MIN_NODE = (\d+)/.exec(read('bin/bootstrap.mjs'))?.[1], major);
  assert.ok(devDependencies.node!.startsWith(`^${major}.`));
  assert.ok(read('README.md').includes(`You need Node ${engines.node.replace('>=', '')} or newer`));
});

test('README.md lists every command of bin/bootstrap.mjs', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const readme = read('README.md');
  for (const [name, line] of Object.entries(scripts)) {
    const command = /^(?:start|test)$/.test(name) ? `npm ${name}` : `npm run ${name}`;
    if (line.includes('bootstrap.mjs')) assert.ok(readme.includes(`\`${command}\``), command);
  }
});

test('every decision has a background, a decision and consequences, and a number of its own', () => {
  const files = globSync('docs/decisions/*.md', { cwd: ROOT }).toSorted();
  assert.ok(files.length > 0);
  for (const [index, file] of files.entries()) {
    const number = String(index + 1).padStart(4, '0');
    const text = read(file);
    assert.match(file, new RegExp(`/${number}-`));
    assert.match(text, /^# \S/);
    // Options stand where there were any worth arguing about.
    for (const part of ['**Background.**', '**Decision.**', '**Consequences.**'])
      assert.ok(text.includes(part), `${file}: ${part}`);
  }
});

/** The cells of the table rows of a document that begin with a name in code. */
function rowsOf(document: string): Map<string, string[]> {
  const rows = read(document)
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  return new Map(rows.map((cells) => [cells[0]!.replaceAll('`', ''), cells]));
}

test('docs/models.md names each kind of failure with its code, whether it is retried, and its words', () => {
  const rows = rowsOf('docs/models.md');
  for (const [kind, { code, retryable, message }] of Object.entries(FAILURES)) {
    const [, , ...said] = rows.get(kind) ?? [];
    assert.deepEqual(said, [`\`${code}\``, retryable ? 'yes' : 'no', message], kind);
  }
});

test('docs/models.md says of each model what the catalogue says', () => {
  const rows = rowsOf('docs/models.md');
  const number = (n: number): string => n.toLocaleString('en-US');
  for (const model of MODELS) {
    const row = rows.get(model.id);
    assert.ok(row, model.id);
    const [, api, window, answer, temperature, efforts, sentBack, parallel, strict, cache, counted] = row;
    const isClaude = model.provider === 'anthropic';
    assert.deepEqual(
      { api, window, answer, temperature, efforts, sentBack, parallel, strict, cache, counted },
      {
        api: model.api,
        window: number(model.contextTokens),
        answer: number(model.maxOutputTokens),
        temperature: model.temperature ? '0.7' : 'refused',
        efforts: model.reasoningEfforts.join(', ') || 'refused',
        sentBack: isClaude ? 'with its signature' : model.reasoningItems ? 'yes' : 'no',
        parallel: model.parallelToolCalls ? 'yes' : isClaude ? 'by itself' : 'refused',
        strict: model.strictSchemas ? 'yes' : 'not sent',
        cache: model.promptCaching,
        counted: model.encoding ?? 'estimate',
      },
      model.id,
    );
  }
  const apis = new Set<string>(MODELS.map(({ api }) => api));
  const named = [...rows].filter(([, cells]) => apis.has(cells[1]!)).map(([id]) => id);
  assert.deepEqual(named.toSorted(), MODELS.map(({ id }) => id).toSorted());
  // The list of those that may think in silence is repeated where a reader looks for the wait.
  const silent = MODELS.filter((model) => model.reasonsSilently).map(({ id }) => id);
  const list = /\(120 s for (.+), which think in silence\)/.exec(rows.get('notBegun')![1]!)![1]!;
  assert.deepEqual(list.split(/, | and /), silent);
  const { contextTokens, maxOutputTokens } = COMPATIBLE_DEFAULTS;
  assert.equal(rows.get('context_tokens, max_output_tokens')?.[1], `${contextTokens}, ${maxOutputTokens}`);
});

test('docs/graph-rules.md says of each finding what the table of findings says', () => {
  const rows = rowsOf('docs/graph-rules.md');
  const code = (text: string | null): string => (text === null ? '' : `\`${text}\``);
  const said = [...rows.values()].map((cells) => cells.slice(0, 4));
  assert.deepEqual(
    said,
    Object.entries(FINDINGS).map(([id, { severity, message, hint }]) => [
      code(id),
      severity,
      code(message),
      code(hint),
    ]),
  );
});

test('docs/graph-rules.md gives codes the severities of the table of findings, rule by rule', () => {
  const known = new Set(
    Object.entries(FINDINGS).map(([id, { severity }]) => `${id.split('/')[0]} ${severity}`),
  );
  const rules = read('docs/graph-rules.md')
    .split('\n')
    .filter((line) => /^\| \d+ \|/.test(line));
  for (const rule of rules) {
    const codes: string[] = [];
    for (const [, code, severity] of rule.split('|')[3]!.matchAll(/`(\w+)`|\b(error|warning|info)\b/g)) {
      if (code !== undefined) codes.push(code);
      // An edit that leaves a reference behind is told of the reference's fault: never refused for it (rule 11).
      else if (!rule.startsWith('| 11 |'))
        for (const before of codes.splice(0)) assert.ok(known.has(`${before} ${severity}`), before);
    }
  }
});
