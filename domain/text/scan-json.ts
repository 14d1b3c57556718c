/**
 * Measures JSON text before it is parsed. JSON.parse takes millions of nested arrays, which then break every later
 * serialisation, and blocks the process for as long as the text has tokens; this scan is one cheap pass over bytes.
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
  /** Of containers: the outermost one is level 1. */
  maxDepth: number;
  /** Keys and values, about: every bracket that opens, comma and colon counts. */
  maxTokens: number;
}

/** What a text exceeds, or null. Of a text that is no JSON it says nothing useful; the parser does. */
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

/** The index of the closing quote, or the end of the text. */
function endOfString(bytes: Uint8Array, open: number): number {
  let index = open + 1;
  while (index < bytes.length && bytes[index] !== QUOTE) index += bytes[index] === BACKSLASH ? 2 : 1;
  return index;
}
