/** Translates failed calls to Temporal for callers and operators, by gRPC status and error class. Pure. */
import { isGrpcServiceError } from '@temporalio/client';
import { HttpError } from './http-error.ts';

export interface TemporalFault {
  /** The gRPC status, such as `PERMISSION_DENIED`. */
  status: string;
  /** `away` and `busy` pass by themselves; `refused` lasts until an operator acts. */
  kind: 'away' | 'busy' | 'refused';
  /** A sentence for the caller, which an operator can act on. */
  message: string;
  /** True when the server has certainly not done the request. */
  undone: boolean;
  retryAfterSeconds: number;
}

const AWAY = 'The workflow service is not reachable.';
const FAILED = 'The workflow service failed inside.';

type Entry = readonly [status: string, kind: TemporalFault['kind'], message: string, undone: boolean];

/** The statuses by number: https://grpc.io/docs/guides/status-codes/ */
const FAULTS: Readonly<Record<number, Entry>> = {
  1: ['CANCELLED', 'away', AWAY, false],
  2: ['UNKNOWN', 'refused', FAILED, false],
  3: [
    'INVALID_ARGUMENT',
    'refused',
    "The workflow service does not take this service's requests: an operator must check that their versions fit.",
    true,
  ],
  4: ['DEADLINE_EXCEEDED', 'away', AWAY, false],
  5: [
    'NOT_FOUND',
    'refused',
    'The workflow service has no such namespace: an operator must check TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE.',
    true,
  ],
  7: [
    'PERMISSION_DENIED',
    'refused',
    'The workflow service forbids this service what it asks: an operator must check the rights of its API key or certificate, and TEMPORAL_NAMESPACE.',
    true,
  ],
  8: ['RESOURCE_EXHAUSTED', 'busy', 'The workflow service is at its limit.', false],
  9: [
    'FAILED_PRECONDITION',
    'refused',
    'The workflow service does not take work for this namespace: an operator must check its state.',
    true,
  ],
  10: ['ABORTED', 'away', FAILED, false],
  11: ['OUT_OF_RANGE', 'refused', FAILED, false],
  12: [
    'UNIMPLEMENTED',
    'refused',
    'The workflow service lacks what this service needs: an operator must check its version and TEMPORAL_ADDRESS.',
    true,
  ],
  13: ['INTERNAL', 'refused', FAILED, false],
  14: ['UNAVAILABLE', 'away', AWAY, false],
  15: ['DATA_LOSS', 'refused', FAILED, false],
  16: [
    'UNAUTHENTICATED',
    'refused',
    "The workflow service does not accept this service's credentials: an operator must check TEMPORAL_API_KEY or the client certificate.",
    true,
  ],
};
const RETRY_AFTER_SECONDS = { away: 2, busy: 5, refused: 30 } as const;
const NAMESPACE_NOT_FOUND = 5;
const UNAVAILABLE = 14;

/** The fault of an error or of one of its causes; null when none of them comes from Temporal. */
export function toTemporalFault(error: unknown): TemporalFault | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.name === 'NamespaceNotFoundError') return faultOf(NAMESPACE_NOT_FOUND);
    if (isGrpcServiceError(cause)) return faultOf(cause.code);
    if (cause.name === 'TransportError') return faultOf(UNAVAILABLE);
  }
  return null;
}

/** The response of a failed call. `note` tells the caller what became of the request. */
export function toTemporalHttpError(fault: TemporalFault, error: unknown, note = ''): HttpError {
  const again = fault.kind === 'refused' ? '' : ' Please try again.';
  return new HttpError(
    503,
    `${fault.message}${note === '' ? '' : ` ${note}`}${again}`,
    {},
    { 'Retry-After': String(fault.retryAfterSeconds) },
    { cause: error },
  );
}

function faultOf(code: number): TemporalFault {
  const [status, kind, message, undone] = FAULTS[code] ?? ['UNKNOWN', 'refused', FAILED, false];
  return { status, kind, message, undone, retryAfterSeconds: RETRY_AFTER_SECONDS[kind] };
}
