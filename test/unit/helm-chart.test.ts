/** The Helm chart: what it renders to has the form that Kubernetes takes, refers to what there is, and can't do more than it must. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseEnv } from 'node:util';
import { parse as parseYaml } from 'yaml';
import { loadConfig } from '../../runtime/config.ts';
import {
  createChecker,
  findHelm,
  KUBERNETES_VERSIONS,
  type KubernetesObject,
  type KubernetesVersion,
  renderChart,
} from '../support/helm.ts';
import { SECRETS, VARIANTS } from '../support/helm-values.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const found = await findHelm();
const helm = 'helm' in found ? found.helm : '';
const skip = 'missing' in found ? found.missing : false;

interface Probe {
  httpGet: { port: string };
}
interface Container {
  name: string;
  args: string[];
  env?: { name: string; value: string }[];
  envFrom: { secretRef: { name: string } }[];
  ports?: { name: string; containerPort: number }[];
  securityContext: unknown;
  volumeMounts: { name: string; mountPath: string; readOnly?: boolean }[];
  resources: { requests: { memory: string }; limits: { memory: string } };
  startupProbe?: Probe;
  livenessProbe?: Probe;
  readinessProbe?: Probe;
}
interface Pod {
  metadata: { labels: Record<string, string> };
  spec: {
    containers: [Container];
    volumes: { name: string }[];
    serviceAccountName?: string;
    securityContext: unknown;
    automountServiceAccountToken: boolean;
  };
}

interface Backend {
  name: string;
  port: { name: string };
}

type Labels = Record<string, string>;
const isKind =
  (...kinds: string[]) =>
  ({ kind }: KubernetesObject): boolean =>
    kinds.includes(kind);
const named = (objects: KubernetesObject[], kind: string, name: string): KubernetesObject | undefined =>
  objects.find((object) => object.kind === kind && object.metadata.name === name);
const specOf = <T>(object: KubernetesObject): T => (object as KubernetesObject & { spec: T }).spec;
const podsOf = (objects: KubernetesObject[]): Pod[] =>
  objects.filter(isKind('Deployment', 'Job')).map((object) => specOf<{ template: Pod }>(object).template);
const selects = (labels: Labels, { metadata }: Pod): boolean =>
  Object.entries(labels).every(([name, value]) => metadata.labels[name] === value);

const hasPort = ({ spec }: Pod, name: string): boolean =>
  spec.containers[0].ports?.some((port) => port.name === name) ?? false;

/** The environment of a container, from its Secrets and its own list. */
function environmentOf({ env = [], envFrom }: Container): Record<string, string> {
  const own = env.map(({ name, value }) => [name, value] as const);
  const secret = envFrom.flatMap(({ secretRef }) => Object.entries(SECRETS[secretRef.name]!));
  return Object.fromEntries([...secret, ...own]);
}

describe('the Helm chart', { skip }, () => {
  const rendered = new Map<string, KubernetesObject[]>();
  const render = (variant: string, version: KubernetesVersion = '1.37'): KubernetesObject[] => {
    const key = `${variant} ${version}`;
    if (!rendered.has(key)) rendered.set(key, renderChart(helm, version, VARIANTS[variant]));
    return rendered.get(key)!;
  };
  const pod = (variant: string, role: string): Pod =>
    podsOf(render(variant)).find(({ spec }) => spec.containers[0].name === role)!;

  test('every object has the form of the oldest and of the newest Kubernetes', () => {
    for (const version of KUBERNETES_VERSIONS) {
      const check = createChecker(version);
      for (const variant of Object.keys(VARIANTS))
        for (const object of render(variant, version)) assert.deepEqual(check(object), [], variant);
    }
  });

  test('the schemas find unknown fields, wrong types, missing fields and unknown kinds', () => {
    const check = createChecker('1.37');
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'a' } };
    const budget = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'a' } };
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' } };
    const wrong = [
      { ...account, automount: true },
      { ...budget, spec: { selector: { matchLabel: {} } } },
      { ...service, spec: { ports: [{ name: 'http' }] } },
      { ...service, spec: { ports: 80 } },
      { ...account, kind: 'Account' },
    ];
    assert.deepEqual(check(account), []);
    for (const object of wrong) assert.notDeepEqual(check(object), [], JSON.stringify(object));
  });

  test('names are unique, and what an object refers to is there', () => {
    for (const variant of Object.keys(VARIANTS)) {
      const objects = render(variant);
      const pods = podsOf(objects);
      const ids = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
      assert.equal(new Set(ids).size, ids.length, variant);
      for (const object of objects.filter(isKind('HorizontalPodAutoscaler', 'ScaledObject'))) {
        const { name } = specOf<{ scaleTargetRef: { name: string } }>(object).scaleTargetRef;
        assert.equal('replicas' in specOf<object>(named(objects, 'Deployment', name)!), false, name);
      }
      for (const object of objects.filter(isKind('Service'))) {
        const { selector, ports } = specOf<{ selector: Labels; ports: { targetPort: string }[] }>(object);
        const selected = pods.filter((template) => selects(selector, template));
        assert.deepEqual(
          selected.map(({ spec }) => spec.containers[0].ports?.map(({ name }) => name)),
          [ports.map(({ targetPort }) => targetPort)],
        );
      }
      for (const object of objects.filter(isKind('PodDisruptionBudget', 'NetworkPolicy', 'Deployment'))) {
        const { selector, podSelector } =
          specOf<Record<'selector' | 'podSelector', { matchLabels: Labels } | undefined>>(object);
        const labels = (selector ?? podSelector)!.matchLabels;
        assert.equal(pods.filter((template) => selects(labels, template)).length, 1, object.metadata.name);
      }
      for (const object of objects.filter(isKind('Ingress'))) {
        const { rules } = specOf<{ rules: { http: { paths: { backend: { service: Backend } }[] } }[] }>(
          object,
        );
        const { name, port } = rules[0]!.http.paths[0]!.backend.service;
        const { ports } = specOf<{ ports: { name: string }[] }>(named(objects, 'Service', name)!);
        assert.ok(ports.some((offered) => offered.name === port.name));
      }
      for (const object of objects.filter(isKind('NetworkPolicy'))) {
        const { podSelector, ingress = [] } = specOf<{
          podSelector: { matchLabels: Labels };
          ingress?: { ports: { port: string }[] }[];
        }>(object);
        const target = pods.find((template) => selects(podSelector.matchLabels, template))!;
        for (const { port } of ingress.flatMap(({ ports }) => ports)) assert.ok(hasPort(target, port), port);
      }
      for (const template of pods) {
        const { spec } = template;
        const { volumeMounts, resources, ...container } = spec.containers[0];
        for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe])
          if (probe) assert.ok(hasPort(template, probe.httpGet.port));
        const mounted = volumeMounts.map(({ name }) => name);
        assert.deepEqual(
          mounted,
          spec.volumes.map(({ name }) => name),
        );
        assert.ok(resources.requests.memory !== undefined && resources.limits.memory !== undefined);
        const account = spec.serviceAccountName ?? 'default';
        assert.ok(account === 'default' || named(objects, 'ServiceAccount', account), account);
      }
    }
  });

  test('no container may gain rights or write to its files', () => {
    for (const variant of Object.keys(VARIANTS))
      for (const { spec } of podsOf(render(variant))) {
        assert.equal(spec.automountServiceAccountToken, false);
        assert.deepEqual(spec.securityContext, {
          runAsNonRoot: true,
          runAsUser: 1000,
          runAsGroup: 1000,
          seccompProfile: { type: 'RuntimeDefault' },
        });
        const [container, ...others] = spec.containers;
        assert.equal(others.length, 0);
        assert.deepEqual(container.securityContext, {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        const writable = container.volumeMounts.filter(({ readOnly }) => readOnly !== true);
        assert.deepEqual(
          writable.map(({ mountPath }) => mountPath),
          ['/tmp'],
        );
      }
  });

  test('each role starts with its environment, which has known variables, each once', () => {
    const known = new Set(Object.keys(parseEnv(read('.env.example'))));
    for (const variant of Object.keys(VARIANTS))
      for (const { spec } of podsOf(render(variant))) {
        const names = (spec.containers[0].env ?? []).map(({ name }) => name);
        assert.equal(new Set(names).size, names.length);
        for (const name of names) assert.ok(known.has(name) || name.startsWith('OTEL_'), name);
        loadConfig(environmentOf(spec.containers[0]));
      }
  });

  test('the values reach the configuration of the processes', () => {
    const config = (role: string, variant = 'everything on') =>
      loadConfig(environmentOf(pod(variant, role).spec.containers[0]));
    const { host, port, limits } = config('api');
    assert.deepEqual([host, port, limits.runningTurns.own], ['::', 4600, 5]);
    const worker = config('worker');
    assert.deepEqual([worker.temporal.deployment, worker.temporal.buildId], ['copilot', 'a1b2c3']);
    assert.deepEqual(worker.workerMetrics, { host: '::', port: 9464 });
    assert.deepEqual(config('worker', 'defaults').workerMetrics, { host: '0.0.0.0', port: 9464 });
    assert.deepEqual([worker.sqlMode, worker.retention.eventsMs], ['parser-only', 30 * 86_400_000]);
    assert.equal(worker.temporal.address, 'temporal-frontend.temporal.svc:7233');
  });

  test('only the API has the keys of tokens, only the migration the login of the owner', () => {
    const secrets = (role: string) =>
      pod('defaults', role).spec.containers[0].envFrom.map(({ secretRef }) => secretRef.name);
    assert.deepEqual(secrets('api'), ['workflow-copilot', 'workflow-copilot-api']);
    assert.deepEqual(secrets('worker'), ['workflow-copilot']);
    assert.deepEqual(secrets('migrate'), ['workflow-copilot-migrate']);
    assert.deepEqual(pod('defaults', 'migrate').spec.containers[0].args, [
      'migrate',
      '--role',
      'copilot_app',
    ]);
  });

  test('the migration and its network policy are hooks, the policy before the job', () => {
    const hooks = render('defaults')
      .filter(({ metadata }) => metadata.annotations?.['helm.sh/hook'] === 'pre-install,pre-upgrade')
      .map(({ kind, metadata }) => `${kind} ${metadata.annotations!['helm.sh/hook-weight'] ?? '0'}`);
    assert.deepEqual(hooks.toSorted(), ['Job 0', 'NetworkPolicy -1']);
  });

  test('values with a typing error, with a secret, or with half a version are refused', () => {
    for (const [path, value, message] of [
      ['worker.replica', 3, /replica/],
      ['config.JWT_SECRET', 'a', /JWT_SECRET/],
      ['api.config.PORT', '80', /PORT/],
      ['config.COPILOT_CONFIRMATION_TTL', 5, /COPILOT_CONFIRMATION_TTL/],
      ['worker.versioning.deployment', 'copilot', /set deployment and buildId, or none/],
      ['worker.autoscaling.by', 'slots', /by/],
    ] as const)
      assert.throws(() => renderChart(helm, '1.37', { [path]: value }), message, path);
    assert.throws(() => renderChart(helm, '1.37', { secrets: null }));
  });
});

test('the chart has the version of the package', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  const chart = parseYaml(read('deploy/helm/workflow-copilot/Chart.yaml')) as Record<string, string>;
  assert.deepEqual([chart.version, chart.appVersion], [version, version]);
});
