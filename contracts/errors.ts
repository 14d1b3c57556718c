/** The codes with which a turn fails. They are stored in histories and clients. The workflow sandbox imports this file. */

export const ERROR_CODES = [
  'model_auth',
  'model_quota',
  'model_rate_limited',
  'model_refused',
  'model_unavailable',
  'model_bad_response',
  'context_overflow',
  'workflow_gone',
  'internal',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Whether a text, such as the type of a failed activity, is one of our codes. */
export function isErrorCode(text: string | null | undefined): text is ErrorCode {
  return (ERROR_CODES as readonly (string | null | undefined)[]).includes(text);
}

/** The failures of a model after which the fallback model is tried. */
export const FALLBACK_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'model_auth',
  'model_quota',
  'model_rate_limited',
  'model_unavailable',
  'model_bad_response',
]);
