/** Values and Secrets for which the tests render the Helm chart. */

const PEERS = [{ namespaceSelector: { matchLabels: { team: 'data' } } }];
/** Values that reach every branch of the templates. */
export const VARIANTS: Record<string, Record<string, unknown>> = {
  defaults: {},
  'everything on': {
    'image.digest': `sha256:${'0'.repeat(64)}`,
    'image.pullSecrets': [{ name: 'registry' }],
    'config.COPILOT_EVENTS_RETENTION': '30 days',
    'config.COPILOT_FALLBACK_MODEL': 'gpt-4.1',
    'config.OTEL_EXPORTER_OTLP_ENDPOINT': 'http://collector:4318',
    'api.config.COPILOT_LIMIT_RUNNING_TURNS': '5',
    'api.ingress': { enabled: true, className: 'nginx', tlsSecretName: 'copilot-tls' },
    'api.podAnnotations': { 'prometheus.io/scrape': 'true' },
    'api.nodeSelector': { disk: 'ssd' },
    'api.tolerations': [{ key: 'copilot', operator: 'Exists' }],
    'worker.config.COPILOT_SQL_MODE': 'parser-only',
    'worker.versioning': { deployment: 'copilot', buildId: 'a1b2c3' },
    'worker.autoscaling': { by: 'keda', triggerAuthentication: 'temporal-cloud' },
    'serviceAccount.annotations': { 'iam.example.com/role': 'copilot' },
    'networkPolicy.apiFrom': PEERS,
    'networkPolicy.metricsFrom': PEERS,
    'networkPolicy.postgres.to': PEERS,
    'networkPolicy.temporal.to': PEERS,
    'networkPolicy.models': { to: [{ ipBlock: { cidr: '0.0.0.0/0' } }], ports: [443, 8000] },
    'networkPolicy.extraEgress': [{ ports: [{ port: 4318 }], to: PEERS }],
    extraVolumes: [{ name: 'ca', configMap: { name: 'postgres-ca' } }],
    extraVolumeMounts: [{ name: 'ca', mountPath: '/etc/postgres', readOnly: true }],
    listenOn: '::',
  },
  'fixed numbers': { 'api.autoscaling.enabled': false, 'worker.autoscaling.by': 'none' },
  'workers of one build': {
    'api.enabled': false,
    'migrate.enabled': false,
    'worker.versioning': { deployment: 'copilot', buildId: 'b' },
  },
  'an API without policies and account': {
    'worker.enabled': false,
    'networkPolicy.enabled': false,
    'serviceAccount.create': false,
  },
};
/** The Secrets as docs/deployment.md describes them. */
export const SECRETS: Record<string, Record<string, string>> = {
  'workflow-copilot': {
    DATABASE_URL: 'postgres://copilot_app:a@postgres/copilot',
    OPENAI_API_KEY: 'sk-a',
    COPILOT_METRICS_TOKEN: 'scrape',
  },
  'workflow-copilot-api': { JWT_SECRET: 'a'.repeat(32) },
  'workflow-copilot-migrate': {
    DATABASE_URL: 'postgres://owner:a@postgres/copilot',
    COPILOT_APP_PASSWORD: 'a',
  },
};
