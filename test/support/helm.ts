/** Renders the Helm chart, and checks Kubernetes objects against the schemas of test/fixtures/kubernetes. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 as Ajv } from 'ajv/dist/2020.js';
import { parseAllDocuments } from 'yaml';
import { cacheFolder, findOnPath, goInstall, makeOnce } from '../../stack/program-cache.ts';
import { isLong } from './repeats.ts';

const ROOT = join(import.meta.dirname, '../..');
const CHART = join(ROOT, 'deploy/helm/workflow-copilot');
const VERSION = '3.19.5';
const PACKAGE = `helm.sh/helm/v3/cmd/helm@v${VERSION}`;

const SCHEMA_ID = 'https://kubernetes.io/schemas';

export const KUBERNETES_VERSIONS = ['1.30', '1.37'] as const;
export type KubernetesVersion = (typeof KUBERNETES_VERSIONS)[number];

export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Record<string, string>; annotations?: Record<string, string> };
}

/**
 * Finds helm on the PATH or in the cache. `npm run soak` builds it into the cache, which takes about 2 minutes, once.
 * `missing` says why there is none.
 */
export async function findHelm(): Promise<{ helm: string } | { missing: string }> {
  const onPath = findOnPath('helm', process.env);
  if (onPath !== null) return { helm: onPath };
  const cached = join(cacheFolder(process.env), `helm-${VERSION}`);
  if (existsSync(cached)) return { helm: cached };
  const go = findOnPath('go', process.env);
  if (go === null) return { missing: 'helm is not installed, and neither is Go, which would build it' };
  if (!isLong) return { missing: 'helm is not installed; npm run soak builds it with Go' };
  const folder = `${cached}.${process.pid}`;
  return {
    helm: await makeOnce(cached, 'helm', async () => {
      mkdirSync(folder, { recursive: true });
      try {
        await goInstall({
          go,
          title: 'helm',
          packages: [PACKAGE],
          folder,
          flags: ['-trimpath', '-ldflags=-s -w'],
          otherwise: 'install helm (helm.sh).',
        });
        renameSync(join(folder, 'helm'), cached);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }),
  };
}

/** The objects that the chart renders to with these values (`--set-json` each). Throws with helm's error. */
export function renderChart(
  helm: string,
  kubernetes: KubernetesVersion,
  values: Readonly<Record<string, unknown>> = {},
): KubernetesObject[] {
  const set = Object.entries(values).flatMap(([path, value]) => [
    '--set-json',
    `${path}=${JSON.stringify(value)}`,
  ]);
  const text = execFileSync(
    helm,
    ['template', 'copilot', CHART, '--kube-version', `${kubernetes}.0`, ...set],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  );
  return parseAllDocuments(text, { uniqueKeys: true }).flatMap((document) => {
    if (document.errors[0]) throw document.errors[0];
    const object = document.toJS() as KubernetesObject | null;
    return object === null ? [] : [object];
  });
}

/** What the schema of a Kubernetes version finds wrong with an object: unknown fields, missing ones, wrong types. */
export function createChecker(version: KubernetesVersion): (object: KubernetesObject) => string[] {
  const schemas = JSON.parse(
    readFileSync(join(ROOT, `test/fixtures/kubernetes/v${version}.json`), 'utf8'),
  ) as { kinds: Record<string, string> };
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema(schemas, SCHEMA_ID);
  const scaledObject = ajv.compile(SCALED_OBJECT);
  return (object) => {
    const name = `${object.apiVersion} ${object.kind}`;
    const pointer = schemas.kinds[name];
    const validate =
      name === 'keda.sh/v1alpha1 ScaledObject'
        ? scaledObject
        : pointer && ajv.getSchema(`${SCHEMA_ID}${pointer}`);
    if (!validate) return [`${name} has no schema`];
    validate(object);
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${name}${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  };
}

/** The part of KEDA's ScaledObject that the chart uses, with the trigger `temporal` of KEDA 2.21 (keda.sh/docs). */
const SCALED_OBJECT = {
  type: 'object',
  additionalProperties: false,
  required: ['apiVersion', 'kind', 'metadata', 'spec'],
  properties: {
    apiVersion: { const: 'keda.sh/v1alpha1' },
    kind: { const: 'ScaledObject' },
    metadata: { $ref: `${SCHEMA_ID}#/$defs/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta` },
    spec: {
      type: 'object',
      additionalProperties: false,
      required: ['scaleTargetRef', 'triggers'],
      properties: {
        scaleTargetRef: {
          type: 'object',
          additionalProperties: false,
          required: ['name'],
          properties: { name: { type: 'string' } },
        },
        minReplicaCount: { type: 'integer' },
        maxReplicaCount: { type: 'integer' },
        triggers: {
          type: 'array',
          minItems: 1,
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['type', 'metadata'],
            properties: {
              type: { const: 'temporal' },
              metadata: {
                type: 'object',
                // Values of a trigger are strings, also where they hold a number.
                additionalProperties: { type: 'string' },
                required: ['endpoint', 'taskQueue'],
                propertyNames: {
                  enum: [
                    'endpoint',
                    'namespace',
                    'taskQueue',
                    'queueTypes',
                    'targetQueueSize',
                    'workerDeploymentName',
                    'workerDeploymentBuildId',
                  ],
                },
              },
              authenticationRef: {
                type: 'object',
                additionalProperties: false,
                required: ['name'],
                properties: { name: { type: 'string' } },
              },
            },
          },
        },
      },
    },
  },
};
