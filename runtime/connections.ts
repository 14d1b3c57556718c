/**
 * Temporal connections from our configuration. A worker process makes one native connection; a process that is
 * worker and API at once hands it to the client too, which is what eager workflow start needs.
 */
import { readFile } from 'node:fs/promises';
import { Client, Connection } from '@temporalio/client';
import type { NativeConnection, TLSConfig } from '@temporalio/worker';
import type { TemporalConfig } from './config.ts';

async function fileOrData(path?: string, data?: string): Promise<Buffer | undefined> {
  if (data !== undefined) return Buffer.from(data);
  return path === undefined ? undefined : readFile(path);
}

/** TLS as Temporal's environment configuration defines it: on with an API key unless it is switched off. */
async function toTls(config: TemporalConfig): Promise<TLSConfig | boolean> {
  const { tls } = config;
  const ca = await fileOrData(tls.serverCaCertPath, tls.serverCaCertData);
  const crt = await fileOrData(tls.clientCertPath, tls.clientCertData);
  const key = await fileOrData(tls.clientKeyPath, tls.clientKeyData);
  const configured = ca !== undefined || crt !== undefined || tls.serverName !== undefined;
  const enabled = tls.enabled ?? (config.apiKey !== undefined || configured);
  if (!enabled) return false;
  if (tls.disableHostVerification) {
    throw new Error(
      'TEMPORAL_TLS_DISABLE_HOST_VERIFICATION is not supported: give the CA instead (TEMPORAL_TLS_SERVER_CA_CERT_PATH)',
    );
  }
  return {
    ...(tls.serverName === undefined ? {} : { serverNameOverride: tls.serverName }),
    ...(ca === undefined ? {} : { serverRootCACertificate: ca }),
    ...(crt === undefined || key === undefined ? {} : { clientCertPair: { crt, key } }),
  };
}

async function toConnectionOptions(config: TemporalConfig, address: string) {
  return {
    address,
    tls: await toTls(config),
    ...(config.apiKey === undefined ? {} : { apiKey: config.apiKey }),
  };
}

/** The worker's connection. Fails when the server is not there. The caller closes it. */
export async function connectNative(config: TemporalConfig, address: string): Promise<NativeConnection> {
  const { NativeConnection } = await import('@temporalio/worker');
  return NativeConnection.connect(await toConnectionOptions(config, address));
}

/**
 * A client that connects on its first call, so that an API starts while Temporal is away and answers 503.
 * With `native`, it shares the worker's connection and leaves closing it to its owner.
 */
export async function connectTemporalClient(
  config: TemporalConfig,
  address: string,
  native?: NativeConnection,
): Promise<{ client: Client; close(): Promise<void> }> {
  if (native) {
    return {
      client: new Client({ connection: native, namespace: config.namespace }),
      close: async () => undefined,
    };
  }
  const connection = Connection.lazy(await toConnectionOptions(config, address));
  return {
    client: new Client({ connection, namespace: config.namespace }),
    close: () => connection.close(),
  };
}
