/** docker-compose.yml: its form, its variables, and that what a service refers to is there. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseEnv } from 'node:util';
import { loadConfig } from '../../runtime/config.ts';
import { parseDockerfile, readIgnored } from '../support/image.ts';
import { checkCompose, interpolate, readComposeFile } from '../support/compose-file.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
/** What the head of the compose file tells to set in a copy of .env.example. */
const REQUIRED = { POSTGRES_PASSWORD: 'a', COPILOT_APP_PASSWORD: 'b', JWT_SECRET: 'c'.repeat(32) };
const ENV = { ...(parseEnv(read('.env.example')) as Record<string, string>), ...REQUIRED };
const OWN = ['migrate', 'api', 'worker'] as const;
const file = readComposeFile(ENV);

test('the schema of the compose format finds unknown keys and wrong types', () => {
  const service = { image: 'a' };
  assert.deepEqual(checkCompose({ services: { a: service } }), []);
  assert.notDeepEqual(checkCompose({ services: { a: { ...service, readonly: true } } }), []);
  assert.notDeepEqual(checkCompose({ services: { a: { ...service, read_only: [] } } }), []);
  assert.notDeepEqual(checkCompose({ service: {} }), []);
});

test('variables are replaced as docker compose replaces them', () => {
  const env = { A: 'a', EMPTY: '' };
  for (const [text, expected] of [
    ['${A}-${B}', 'a-'],
    ['${A:-x} ${B:-x} ${EMPTY:-x}', 'a x x'],
    ['${B:-http://127.0.0.1:${PORT:-8233}/${A}}', 'http://127.0.0.1:8233/a'],
    ['$$(hostname) $${A}', '$(hostname) ${A}'],
    ['${A:?set it}', 'a'],
  ] as const)
    assert.equal(interpolate(text, env), expected);
  assert.throws(() => interpolate('${EMPTY:?set it}', env), /EMPTY: set it/);
  for (const text of ['$A', '${A', '${A+x}', '$']) assert.throws(() => interpolate(text, env), text);
});

test('without one of the required variables the file is refused', () => {
  for (const name of Object.keys(REQUIRED))
    assert.throws(
      () => readComposeFile({ ...ENV, [name]: '' }),
      new RegExp(`^Error: ${name}: set ${name} in`),
    );
});

test('services depend on services that can meet the condition', () => {
  for (const [name, { depends_on = {} }] of Object.entries(file.services))
    for (const [other, { condition }] of Object.entries(depends_on)) {
      const { healthcheck, restart = 'no' } = file.services[other]!;
      if (condition === 'service_healthy') assert.ok(healthcheck, `${name} -> ${other}`);
      else {
        assert.equal(condition, 'service_completed_successfully');
        assert.match(restart, /^on-failure/, `${name} -> ${other}`);
      }
    }
});

test('networks and volumes are declared, each is used, and Postgres and Temporal are not published', () => {
  const services = Object.entries(file.services);
  const networks = services.flatMap(([, service]) => service.networks ?? ['default']);
  const volumes = services.flatMap(([, service]) => service.volumes ?? []).map((text) => text.split(':')[0]!);
  assert.deepEqual([...new Set(networks)].toSorted(), Object.keys(file.networks).toSorted());
  assert.deepEqual([...new Set(volumes)].toSorted(), Object.keys(file.volumes).toSorted());
  for (const name of ['postgres', 'temporal']) {
    assert.deepEqual(file.services[name]!.networks, ['internal']);
    assert.equal(file.services[name]!.ports, undefined);
  }
  assert.equal(file.networks.internal?.internal, true);
  for (const [name, { ports = [] }] of services)
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:/, name);
});

test('hosts in the addresses of a service are services on one of its networks', () => {
  for (const name of OWN) {
    const { environment = {}, networks = [] } = file.services[name]!;
    const hosts = [new URL(environment.DATABASE_URL!).hostname];
    if (environment.TEMPORAL_ADDRESS !== undefined) hosts.push(environment.TEMPORAL_ADDRESS.split(':')[0]!);
    for (const host of hosts)
      assert.ok(
        file.services[host]?.networks?.some((network) => networks.includes(network)),
        host,
      );
  }
});

test('the own services start with their environment, have few rights and a command of the image', () => {
  const entrypoint = parseDockerfile(read('Dockerfile')).find(
    ([instruction]) => instruction === 'ENTRYPOINT',
  );
  assert.ok(entrypoint?.[1].includes('bin/bootstrap.mjs'));
  for (const name of OWN) {
    const { command = [], environment = {}, ...service } = file.services[name]!;
    assert.match(read('bin/bootstrap.mjs'), new RegExp(`^  ${command[0]}: 'bin/`, 'm'));
    loadConfig(environment);
    assert.equal(service.read_only, true);
    assert.deepEqual([service.cap_drop, service.security_opt], [['ALL'], ['no-new-privileges:true']]);
  }
  const login = (name: string): string => new URL(file.services[name]!.environment!.DATABASE_URL!).username;
  assert.deepEqual(OWN.map(login), ['copilot', 'copilot_app', 'copilot_app']);
  assert.deepEqual(file.services.migrate!.command, ['migrate', '--role', 'copilot_app']);
});

test('the build context has what the image copies, and no secret, data or finished page', () => {
  const isIgnored = readIgnored(read('.dockerignore'));
  for (const path of [
    '.env',
    '.copilot/jwt-secret',
    '.git/config',
    'node_modules/koa/package.json',
    'test/run.ts',
  ])
    assert.ok(isIgnored(path), path);
  for (const path of ['studio/dist/index.html', 'studio/dist.failed']) assert.ok(isIgnored(path), path);
  for (const path of ['bin/api.ts', 'package-lock.json', 'studio/src/main.tsx', '.npmrc'])
    assert.equal(isIgnored(path), false, path);
});
