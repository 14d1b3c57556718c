/**
 * Reads how to reach Temporal: from the variables that Temporal's SDKs and CLI read, and from a profile of Temporal's TOML
 * file when the environment names the file or a profile. Otherwise the default file is not read, because a profile that was
 * made for the CLI must not move turns to another server.
 */
import { readFileSync } from 'node:fs';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { NativeConnectionOptions } from '@temporalio/worker';

export interface TemporalConnection {
  /** Undefined for the embedded dev server of the data folder. */
  address: string | undefined;
  namespace: string;
  apiKey: string | undefined;
  /** False for no TLS, true for TLS with the system's CAs. */
  tls: NonNullable<NativeConnectionOptions['tls']>;
  /** The headers of every request, from `TEMPORAL_GRPC_META_<NAME>`. */
  metadata: NativeConnectionOptions['metadata'];
}

const HOST_CHECK = 'TEMPORAL_TLS_DISABLE_HOST_VERIFICATION';
const GRPC_META = 'TEMPORAL_GRPC_META_';

/** Thrown when a setting of Temporal can't be used: a missing file or profile, or a host check that is switched off. */
export class TemporalEnvironmentError extends Error {
  readonly code = 'TEMPORAL_ENVIRONMENT';
}

/** Reads the variables, the certificates and the TOML file. Throws TemporalEnvironmentError, also for a missing file. */
export function loadTemporalConnection(env: Readonly<Record<string, string>>): TemporalConnection {
  const { [HOST_CHECK]: hostCheckOff, ...variables } = env;
  const { TEMPORAL_CONFIG_FILE: path, TEMPORAL_PROFILE: profile } = variables;
  const { namespace, connectionOptions } = explained(() =>
    loadClientConnectConfig({
      overrideEnvVars: variables,
      disableFile: path === undefined && profile === undefined,
      // Read here, because the SDK ignores a missing file.
      ...(path === undefined ? {} : { configSource: { data: readFileSync(path, 'utf8') } }),
    }),
  );
  const tls = connectionOptions.tls ?? false;
  if (hostCheckOff === 'true' && tls !== false)
    // The SDK would ignore the setting and keep the check.
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

/** Whether a variable is a header: `TEMPORAL_GRPC_META_<NAME>`. */
export function isGrpcHeader(name: string): boolean {
  return name.startsWith(GRPC_META) && name.length > GRPC_META.length;
}

function explained<T>(load: () => T): T {
  try {
    return load();
  } catch (error: unknown) {
    // Only the first line: later lines may quote the file with its keys.
    const [reason] = (error instanceof Error ? error.message : String(error)).split('\n');
    throw new TemporalEnvironmentError(`TEMPORAL_*: ${reason}`);
  }
}
