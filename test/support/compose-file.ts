/** Reads docker-compose.yml as `docker compose config` does: merge keys, variables, and the schema of the compose format. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 as Ajv } from 'ajv/dist/2020.js';
import { parse as parseYaml } from 'yaml';

const ROOT = join(import.meta.dirname, '../..');
const SCHEMA = readFileSync(join(ROOT, 'test/fixtures/compose/compose-spec.json'), 'utf8');
const validate = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(
  JSON.parse(SCHEMA) as object,
);

export interface ComposeService {
  image?: string;
  command?: string[];
  entrypoint?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  restart?: string;
  networks?: string[];
  volumes?: string[];
  ports?: string[];
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
}

export interface ComposeFile {
  services: Record<string, ComposeService>;
  volumes: Record<string, unknown>;
  networks: Record<string, { internal?: boolean } | null>;
}

/** The compose file with the variables of `env`. Throws when a required one is missing, or the form is not compose's. */
export function readComposeFile(env: Readonly<Record<string, string>>): ComposeFile {
  const written: unknown = parseYaml(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), {
    merge: true,
    uniqueKeys: true,
  });
  const file = interpolateAll(written, env);
  const problems = checkCompose(file);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return file as ComposeFile;
}

/** What the schema of the compose format finds wrong. */
export function checkCompose(file: unknown): string[] {
  validate(file);
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

/**
 * Replaces `${NAME}`, `${NAME:-default}` and `${NAME:?message}`, and `$$` by `$`. A default may hold variables itself.
 * Throws at any other use of `$`, and when a variable with a message is not set.
 */
export function interpolate(text: string, env: Readonly<Record<string, string>>): string {
  let result = '';
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at);
    if (!rest.startsWith('$')) {
      result += rest[0];
      at += 1;
    } else if (rest.startsWith('$$')) {
      result += '$';
      at += 2;
    } else {
      const inside = insideOfBraces(rest);
      const [, name, kind, word] = /^(\w+)(?::([-?])(.*))?$/s.exec(inside) ?? [];
      if (name === undefined) throw new Error(`no variable: ${rest}`);
      const value = env[name] ?? '';
      if (value === '' && kind === '?') throw new Error(`${name}: ${word}`);
      result += value === '' && kind === '-' ? interpolate(word!, env) : value;
      at += inside.length + 3;
    }
  }
  return result;
}

/** The text between the `${` that `text` begins with and its `}`. */
function insideOfBraces(text: string): string {
  let depth = 0;
  for (let at = 1; at < text.length; at += 1) {
    if (text[at] === '{') depth += 1;
    if (text[at] === '}') depth -= 1;
    if (depth === 0) return at === 1 ? '' : text.slice(2, at);
  }
  throw new Error(`no end of the variable: ${text}`);
}

function interpolateAll(value: unknown, env: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string') return interpolate(value, env);
  if (Array.isArray(value)) return value.map((item) => interpolateAll(item, env));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, interpolateAll(item, env)]));
}
