/** Hides secrets in data that the model, a reader or a log gets. */
import type { Json, JsonObject } from './json-value.ts';
import { isObject, setKey } from './json.ts';

export const HIDDEN = '[hidden]';

/**
 * The shapes of secrets. The model, readers and logs share this list.
 *
 * Each pattern takes linear time: no part of it matches the same text in two ways, and look-behinds are bounded. A pattern
 * is only tried on a text that contains its mark, which few texts do.
 */
const SHAPES: readonly (readonly [mark: string | RegExp, shape: RegExp])[] = [
  // Model providers. OpenAI, Anthropic, OpenRouter, DeepSeek and others use `sk-`.
  ['sk-', /(?<![A-Za-z])sk-[A-Za-z0-9_-]{16,}/g],
  [/(?:gsk|hf|r8|fw)_/, /(?<![A-Za-z])(?:gsk|hf|r8|fw)_[A-Za-z0-9]{20,}/g],
  [/(?:xai|pplx|nvapi|tvly)-/, /(?<![A-Za-z])(?:xai|pplx|nvapi|tvly)-[A-Za-z0-9_-]{20,}/g],
  // Stripe, its webhooks, Clerk.
  [/[srp]k_/, /(?<![A-Za-z])(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}/g],
  ['whsec_', /(?<![A-Za-z])whsec_[A-Za-z0-9+/=]{16,}/g],
  // Source hosts and package registries.
  [/gh[pousr]_/, /(?<![A-Za-z])gh[pousr]_[A-Za-z0-9][A-Za-z0-9_.-]{19,}/g],
  ['github_pat_', /(?<![A-Za-z])github_pat_[A-Za-z0-9_]{20,}/g],
  [/gl[a-z]{2,5}-/, /(?<![A-Za-z])gl(?:pat|ptt|dt|rt|soat|cbt|ft|imt|agent)-[A-Za-z0-9_-]{16,}/g],
  ['ATBB', /(?<![A-Za-z])ATBB[A-Za-z0-9]{24,}/g],
  ['npm_', /(?<![A-Za-z])npm_[A-Za-z0-9_]{30,}/g],
  [':_', /(?<=:_(?:authToken|password)=)[^\s$][^\s]{5,}/g],
  ['pypi-', /(?<![A-Za-z])pypi-[A-Za-z0-9_-]{30,}/g],
  ['dckr_', /(?<![A-Za-z])dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}/g],
  // Messaging.
  ['xox', /(?<![A-Za-z])xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9.-]{10,}/g],
  ['xapp-', /(?<![A-Za-z])xapp-[A-Za-z0-9-]{20,}/g],
  [
    'hooks.slack.com/',
    /(?<=\bhooks\.slack\.com\/(?:services|workflows|triggers)\/)[A-Z][A-Z0-9]{7,}\/[A-Za-z0-9/_-]{16,}/g,
  ],
  ['/webhooks/', /(?<=\b(?:discord|discordapp)\.com\/api\/webhooks\/)[A-Za-z0-9/_-]{16,}/g],
  [/[0-9]{8}:/, /(?<![0-9A-Za-z])[0-9]{8,10}:[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])/g],
  ['SG.', /(?<![A-Za-z])SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}/g],
  ['key-', /(?<![A-Za-z])key-[0-9a-f]{32}\b/g],
  [/SK[0-9a-f]{8}/, /(?<![A-Za-z])SK[0-9a-f]{32}\b/g],
  // Clouds and their tools.
  [
    /A3T|A[A-Z]{2}A/,
    /(?<![A-Za-z])(?:A3T[A-Z0-9]|A(?:KI|SI|BI|CC|GP|ID|RO|IP|NP|NV)A)[A-Z0-9]{16}(?![A-Za-z0-9])/g,
  ],
  [/aws_?se/i, /(?<=\baws_?(?:secret|session)[a-z_]{0,30}["']?\s{0,4}[:=]\s{0,4}["']?)[A-Za-z0-9/+=]{30,}/gi],
  ['AIza', /(?<![A-Za-z])AIza[A-Za-z0-9_-]{30,}/g],
  ['GOCSPX-', /(?<![A-Za-z])GOCSPX-[A-Za-z0-9_-]{20,}/g],
  ['ya29.', /(?<![A-Za-z])ya29\.[A-Za-z0-9_-]{20,}/g],
  ['Key=', /(?<=\b(?:AccountKey|SharedAccessKey)=)[A-Za-z0-9+/]{20,}=*/g],
  ['_v1_', /(?<![A-Za-z])do[opr]_v1_[a-f0-9]{32,}/g],
  ['dapi', /(?<![A-Za-z])dapi[a-f0-9]{32}\b/g],
  [/hv[sbr]\./, /(?<![A-Za-z])hv[sbr]\.[A-Za-z0-9_-]{20,}/g],
  ['dp.', /(?<![A-Za-z])dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{20,}/g],
  [/vc[pcairk]_/, /(?<![A-Za-z])vc[pcairk]_[A-Za-z0-9]{20,}/g],
  [/cf[a-z]{1,2}_/, /(?<![A-Za-z])cf(?:k|ut|at)_[A-Za-z0-9]{30,}/g],
  ['tskey-', /(?<![A-Za-z])tskey-[a-z]{2,20}-[A-Za-z0-9_-]{16,}/g],
  ['pul-', /(?<![A-Za-z])pul-[a-f0-9]{32,}/g],
  ['ops_', /(?<![A-Za-z])ops_[A-Za-z0-9_-]{40,}/g],
  ['A3-', /(?<![A-Za-z])A3-[A-Z0-9]{6}-[A-Z0-9-]{20,}/g],
  ['sb', /(?<![A-Za-z])sb[ps]_(?:secret_)?[A-Za-z0-9_]{20,}|(?<![A-Za-z])sb_secret_[A-Za-z0-9_-]{16,}/g],
  ['napi_', /(?<![A-Za-z])napi_[A-Za-z0-9]{30,}/g],
  ['pscale_', /(?<![A-Za-z])pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_-]{20,}/g],
  // Products.
  ['shp', /(?<![A-Za-z])shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{24,}/g],
  ['sq0', /(?<![A-Za-z])sq0[a-z]{3}-[A-Za-z0-9_-]{20,}/g],
  ['lin_', /(?<![A-Za-z])lin_(?:api|oauth)_[A-Za-z0-9]{20,}/g],
  [/ntn_|secret_/, /(?<![A-Za-z])ntn_[A-Za-z0-9]{30,}|(?<![A-Za-z])secret_[A-Za-z0-9]{40,}/g],
  [/pat[A-Za-z0-9]{14}\./, /(?<![A-Za-z])pat[A-Za-z0-9]{14}\.[a-f0-9]{40,}/g],
  ['pat-', /(?<![A-Za-z])pat-(?:na1|eu1)-[a-f0-9-]{30,}/g],
  ['ATATT', /(?<![A-Za-z])ATATT[A-Za-z0-9_=-]{30,}/g],
  ['PMAK-', /(?<![A-Za-z])PMAK-[A-Za-z0-9-]{30,}/g],
  [/gl(?:sa|c)_/, /(?<![A-Za-z])gl(?:sa|c)_[A-Za-z0-9_=+/-]{30,}/g],
  ['NRA', /(?<![A-Za-z])(?:NRAK|NRAL)-[A-Z0-9]{20,}/g],
  [/ph[cx]_/, /(?<![A-Za-z])phc_[A-Za-z0-9]{30,}|(?<![A-Za-z])phx_[A-Za-z0-9]{30,}/g],
  ['EAA', /(?<![A-Za-z])EAA[A-Za-z0-9]{60,}/g],
  ['figd_', /(?<![A-Za-z])figd_[A-Za-z0-9_-]{30,}/g],
  // Private keys, JWTs, HTTP credentials, and passwords in URLs and connection strings.
  [
    '-----BEGIN',
    /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?!-----END )[^])*(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?/g,
  ],
  ['AGE-SECRET-KEY-', /(?<![A-Za-z])AGE-SECRET-KEY-1[A-Z0-9]{30,}/g],
  ['eyJ', /(?<![A-Za-z])eyJ[A-Za-z0-9_-]{8,512}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*/g],
  [
    /authorization/i,
    /(?<=\bauthorization["']?\s{0,4}[:=]\s{0,4}["']?(?:bearer|basic|token|apikey)\s{1,4})[^\s"'<>,;]{4,}/gi,
  ],
  [/[Bb]earer\s/, /(?<=\b[Bb]earer\s{1,4})(?=[a-z.-]*[A-Z0-9_~+/])[A-Za-z0-9._~+/-]{16,}=*/g],
  [/[Bb]asic\s/, /(?<=\b[Bb]asic\s{1,4})(?=[a-z]*[A-Z0-9+/])[A-Za-z0-9+/]{16,}=*/g],
  [
    /api-?key|auth-token/i,
    /(?<=\b(?:x-api-key|api-key|apikey|x-auth-token)["']?\s{0,4}[:=]\s{0,4}["']?)[A-Za-z0-9._~+/=-]{12,}/gi,
  ],
  [':x-oauth-basic@', /(?<=:\/\/)[^\s:@/]{1,300}(?=:x-oauth-basic@)/g],
  ['://', /(?<=\b[a-z][a-z0-9+.-]{1,30}:\/\/[^\s:@/"'<>]{0,100}:)[^\s@"'<>]{1,300}(?=@)/gi],
  [
    /[?&][a-z]/i,
    /(?<=[?&](?:access_token|refresh_token|id_token|token|api_?key|client_secret|password|sig|signature|x-amz-signature|x-amz-security-token)=)[^&\s"'#<>]{8,}/gi,
  ],
  [
    /(?:password|pwd)\s{0,2}=/i,
    /(?<=\b(?:host|server|dbname|database|data source|user|uid|user id)\s{0,2}=[^\n]{0,80}\b(?:password|pwd)\s{0,2}=\s{0,2}["']?)[^\s;,"'<>()[\]{}]{1,200}(?=[\s;"']|$)/gi,
  ],
];
const NAMES =
  /(?:^|_)(?:password|passwd|passphrase|pwd|secret|secrets|token|api_?key|apikey|access_key|private_key|signing_key|encryption_key|authorization|credential|credentials|webhook_secret|connection_string|dsn|cookie|bearer)$/;
/** A reference to another block, which is no secret even in a field with a secret's name. */
const REFERENCE = /<[^<>\n]{1,300}\.output[^<>\n]{0,300}>/g;

/** Whether the name of a field says that its text is a secret: `apiKey`, `webhook-secret`, but not `max_tokens`. */
export function isSecretName(key: string): boolean {
  let is = judged.get(key);
  if (is === undefined) {
    is = judgeName(key);
    if (judged.size < MAX_JUDGED) judged.set(key, is);
  }
  return is;
}

/** A cache, because the same few names are asked for again and again. */
const judged = new Map<string, boolean>();
const MAX_JUDGED = 1_000;

function judgeName(key: string): boolean {
  const snake = key
    .slice(-100)
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase();
  return NAMES.test(snake);
}

/** Whether a text contains something with the shape of a secret. */
export function looksLikeSecret(text: string): boolean {
  return hideInText(text) !== text;
}

/** Replaces everything with the shape of a secret by `[hidden]`. */
export function hideInText(text: string): string {
  if (text.length < SHORTEST && !/[:=]/.test(text)) return text;
  return SHAPES.reduce((rest, [mark, shape]) => {
    const marked = typeof mark === 'string' ? rest.includes(mark) : mark.test(rest);
    return marked ? rest.replace(shape, HIDDEN) : rest;
  }, text);
}

/** No key or token is shorter. A password may be shorter, but only in a URL or after an equals sign. */
const SHORTEST = 16;
/** Deeper levels are replaced by a note, because readers of the copy recurse too. */
const MAX_LEVELS = 64;
const TOO_DEEP = `[nested deeper than ${MAX_LEVELS} levels]`;

/**
 * Copies a JSON value and replaces its secrets by `[hidden]`: everything with the shape of a secret, and every text and
 * number in a field with a secret's name. Values deeper than 64 levels become a note. Safe at any depth.
 */
export function hideSecrets(value: Json): Json {
  return hide(value, false, 1);
}

function hide(value: Json, secret: boolean, level: number): Json {
  if (typeof value === 'string') {
    return secret && value.replace(REFERENCE, '').trim() !== '' ? HIDDEN : hideInText(value);
  }
  if (typeof value === 'number') return secret ? HIDDEN : value;
  if (typeof value === 'object' && value !== null && level > MAX_LEVELS) return TOO_DEEP;
  if (Array.isArray(value)) return value.map((item) => hide(item, secret, level + 1));
  if (!isObject(value)) return value;
  const result: JsonObject = {};
  for (const key of Object.keys(value))
    setKey(result, hideInText(key), hide(value[key]!, secret || isSecretName(key), level + 1));
  return result;
}
