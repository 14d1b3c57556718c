/**
 * Measures JSON text before it is parsed. JSON.parse accepts millions of nested arrays, which JSON.stringify can't write,
 * and it blocks the thread for a time that grows with the tokens. This scan is one cheap pass over the bytes.
 */
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

export interface JsonLimits {
  /** Levels of containers. The outermost container is level 1. */
  maxDepth: number;
  /** Approximately the keys and values: every opening bracket, comma and colon counts. */
  maxTokens: number;
}

/** The limit that a text exceeds, or null. The result means nothing when the text is no JSON. */
export function scanJson(bytes: Uint8Array, limits: JsonLimits): 'depth' | 'tokens' | null {
  let depth = 0;
  let tokens = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    switch (bytes[index]) {
      case QUOTE:
        index = endOfString(bytes, index);
        break;
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        depth += 1;
        tokens += 1;
        if (depth > limits.maxDepth) return 'depth';
        if (tokens > limits.maxTokens) return 'tokens';
        break;
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        depth -= 1;
        break;
      case COMMA:
      case COLON:
        tokens += 1;
        if (tokens > limits.maxTokens) return 'tokens';
        break;
    }
  }
  return null;
}

/** The index of the closing quote, or at least the text's length when there is none. */
function endOfString(bytes: Uint8Array, open: number): number {
  let index = open + 1;
  while (index < bytes.length && bytes[index] !== QUOTE) index += bytes[index] === BACKSLASH ? 2 : 1;
  return index;
}
