/** The configuration file of the production Temporal server. It holds the password of the database, so its mode is 0600. */
import { join } from 'node:path';
import { writeJsonFile } from './json-file.ts';

const SERVICES = ['frontend', 'history', 'matching', 'worker'];

/** Writes `production.yaml`, as JSON, which is YAML. `ports` has a gRPC port and a membership port of each service. */
export function writeClusterConfig(
  folder: string,
  options: { ports: readonly number[]; shards: number; databaseUrl: string },
): void {
  const { ports, shards } = options;
  const { host, username, password } = new URL(options.databaseUrl);
  const store = (databaseName: string, maxConns: number) => ({
    sql: {
      pluginName: 'postgres12',
      databaseName,
      connectAddr: host,
      connectProtocol: 'tcp',
      user: username,
      password,
      maxConns,
      maxIdleConns: maxConns,
      maxConnLifetime: '1h',
    },
  });
  const services = SERVICES.map((name, index) => [
    name,
    {
      rpc: {
        grpcPort: ports[2 * index],
        membershipPort: ports[2 * index + 1],
        bindOnLocalHost: true,
      },
    },
  ]);
  writeJsonFile(join(folder, 'production.yaml'), {
    log: { stdout: true, level: 'warn' },
    persistence: {
      numHistoryShards: shards,
      defaultStore: 'default',
      visibilityStore: 'visibility',
      datastores: { default: store('temporal', 20), visibility: store('temporal_visibility', 10) },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
    services: Object.fromEntries(services) as unknown,
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: {
          enabled: true,
          initialFailoverVersion: 1,
          rpcName: 'frontend',
          rpcAddress: `127.0.0.1:${ports[0]}`,
        },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
  });
}
