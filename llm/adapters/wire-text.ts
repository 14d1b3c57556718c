/** Texts of a provider's events: what the protocol calls a text is now and then something else. */
import { toJsonText } from '../../domain/text/json-text.ts';

/** A text as it is, the texts of a list of parts (without those of thoughts), and nothing of anything else. */
export function wireText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return '';
  return value
    .map((part: { type?: unknown; text?: unknown } | null) =>
      part?.type === 'text' && typeof part.text === 'string' ? part.text : '',
    )
    .join('');
}

/** Arguments are text by the protocol; some servers send the object itself. */
export function wireArguments(args: unknown): string {
  return typeof args === 'string' ? args : args === undefined || args === null ? '' : toJsonText(args);
}
