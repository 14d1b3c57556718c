const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * Whether a value is a UUID in the usual form, of any version and case. Anything else names nothing: callers answer
 * 404 without asking the database, which would refuse the text.
 */
export function isUuid(text: unknown): text is string {
  return typeof text === 'string' && UUID.test(text);
}
