/**
 * How Temporal is reached: the variables that all of Temporal's SDKs and its CLI read, and a profile of their TOML file
 * where the environment names one. The file in its default place is not read, because a profile that somebody made for
 * the CLI must not move the embedded stack's turns to another server.
 */
import { readFileSync } from 'node:fs';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { NativeConnectionOptions } from '@temporalio/worker';

export interface TemporalConnection {
  /** Undefined: the embedded dev server of the data folder. */
  address: string | undefined;
  namespace: string;
  apiKey: string | undefined;
  /** False: no TLS. True: TLS with the system's CAs. */
  tls: NonNullable<NativeConnectionOptions['tls']>;
  /** Headers of every request, from `TEMPORAL_GRPC_META_<NAME>`. */
  metadata: NativeConnectionOptions['metadata'];
}

const HOST_CHECK = 'TEMPORAL_TLS_DISABLE_HOST_VERIFICATION';
const GRPC_META = 'TEMPORAL_GRPC_META_';

/** Thrown when the environment names what can't be used: a missing file or profile, a host check that is switched off. */
export class TemporalEnvironmentError extends Error {
  readonly code = 'TEMPORAL_ENVIRONMENT';
}

/** Reads certificates and the TOML file, so a wrong path is told at the start. Throws TemporalEnvironmentError. */
export function loadTemporalConnection(env: Readonly<Record<string, string>>): TemporalConnection {
  const { [HOST_CHECK]: hostCheckOff, ...variables } = env;
  const { TEMPORAL_CONFIG_FILE: path, TEMPORAL_PROFILE: profile } = variables;
  const { namespace, connectionOptions } = explained(() =>
    loadClientConnectConfig({
      overrideEnvVars: variables,
      disableFile: path === undefined && profile === undefined,
      // Left to itself, the SDK passes over a file that is not there.
      ...(path === undefined ? {} : { configSource: { data: readFileSync(path, 'utf8') } }),
    }),
  );
  const tls = connectionOptions.tls ?? false;
  if (hostCheckOff === 'true' && tls !== false)
    // The SDK would keep the check without a word.
    throw new TemporalEnvironmentError(
      `${HOST_CHECK}: not supported; give the CA instead (TEMPORAL_TLS_SERVER_CA_CERT_PATH)`,
    );
  return {
    address: connectionOptions.address,
    namespace: namespace ?? 'default',
    apiKey: typeof connectionOptions.apiKey === 'string' ? connectionOptions.apiKey : undefined,
    tls,
    metadata: connectionOptions.metadata,
  };
}

/** Whether a variable is one of the headers, of which there may be any number. */
export function isGrpcHeader(name: string): boolean {
  return name.startsWith(GRPC_META) && name.length > GRPC_META.length;
}

function explained<T>(load: () => T): T {
  try {
    return load();
  } catch (error: unknown) {
    // The first line names a file, a profile or a rule of TOML. The lines after it may quote the file, keys included.
    const [reason] = (error instanceof Error ? error.message : String(error)).split('\n');
    throw new TemporalEnvironmentError(`TEMPORAL_*: ${reason}`);
  }
}
