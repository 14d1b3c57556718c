/** Reads texts of a provider's events. Some servers send another type where the protocol says text. */
import { toJsonText } from '../../domain/text/json-text.ts';

/** Returns a text as it is. Joins the texts of a list of parts, without reasoning parts. Anything else is an empty text. */
export function wireText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return '';
  return value
    .map((part: { type?: unknown; text?: unknown } | null) =>
      part?.type === 'text' && typeof part.text === 'string' ? part.text : '',
    )
    .join('');
}

/** The arguments of a call as text. By the protocol they are text, but some servers send the object itself. */
export function wireArguments(args: unknown): string {
  return typeof args === 'string' ? args : args === undefined || args === null ? '' : toJsonText(args);
}
