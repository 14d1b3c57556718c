/**
 * Arbitraries of HTTP requests: for each route valid bodies, and everything that a caller may get wrong in ids, query,
 * headers and body.
 */
import fc from 'fast-check';
import { anyValue, hostileText, nested, toObject } from './fuzz-values.ts';

export interface FuzzRequest {
  /** The path parameters, encoded as in the path. */
  ids: Record<string, string>;
  query: string;
  headers: Record<string, string>;
  /** Null for no body. */
  body: Buffer | null;
}

export type FieldArbitraries = Record<string, fc.Arbitrary<unknown>>;

/** An object whose fields are mostly valid, sometimes any value, sometimes absent. */
function nearly(fields: FieldArbitraries): fc.Arbitrary<Record<string, unknown>> {
  const loose = Object.entries(fields).map(([key, good]): [string, fc.Arbitrary<unknown>] => [
    key,
    fc.oneof({ weight: 5, arbitrary: good }, { weight: 2, arbitrary: anyValue }, hostileText),
  ]);
  return fc
    .tuple(
      fc.record(Object.fromEntries(loose), { requiredKeys: [] }),
      fc.oneof(
        { weight: 4, arbitrary: fc.constant({}) },
        fc.tuple(hostileText, anyValue).map((entry) => toObject([entry])),
      ),
    )
    .map(([known, more]) => ({ ...more, ...known }));
}

/** The bytes of a body: valid JSON, nearly valid fields, damaged JSON, hostile text, or no UTF-8. */
function bodyText(fields: FieldArbitraries): fc.Arbitrary<Buffer> {
  const good = fc.record(fields).map((value) => JSON.stringify(value));
  const near = nearly(fields).map((value) => JSON.stringify(value));
  const inserted = fc.constantFrom(
    '',
    '\u0000',
    '"',
    '{',
    ']',
    '1e999',
    '\\ud800',
    '\\',
    ',',
    '"__proto__":{},',
    nested(70),
  );
  const damaged = fc
    .tuple(fc.oneof(good, near), fc.nat(), fc.nat({ max: 20 }), inserted)
    .map(([json, at, length, put]) => {
      const from = at % (json.length + 1);
      return json.slice(0, from) + put + json.slice(from + length);
    });
  const [first = 'a'] = Object.keys(fields);
  const texts = fc.constantFrom(
    '',
    ' ',
    'null',
    '[]',
    '7',
    '"text"',
    'true',
    '{',
    '{}',
    '{"a":1}{"b":2}',
    '\u{FEFF}{}',
    '{"a":1e400}',
    `{"${first}":${nested(60)}}`,
    `{"${first}":${nested(65)}}`,
    `{"${first}":${nested(20_000)}}`,
    `{"${first}":1,"${first}":"x","${first}":null}`,
    `{"__proto__":{"${first}":"x"}}`,
    `{"${first}":"\\ud800\\u0000"}`,
    `{"${first}":"${'x'.repeat(200_000)}"}`,
  );
  return fc.oneof(
    { weight: 3, arbitrary: good.map((text) => Buffer.from(text)) },
    { weight: 5, arbitrary: near.map((text) => Buffer.from(text)) },
    { weight: 2, arbitrary: damaged.map((text) => Buffer.from(text)) },
    { weight: 2, arbitrary: texts.map((text) => Buffer.from(text)) },
    // No UTF-8.
    fc
      .constantFrom([0xff, 0xfe], [0x7b, 0xc3, 0x28, 0x7d], [0x80], [0xed, 0xa0, 0x80])
      .map((bytes) => Buffer.from(bytes)),
  );
}

/** A header value that Node's client will send: Latin-1 without control characters. */
const headerText = fc.oneof(
  fc.string({
    unit: fc.constantFrom(...Array.from(' !"#$%&\'(),-./09:;<=>?@AZ[]^_`az{|}~\u00a0\u00e9\u00ff')),
    maxLength: 30,
  }),
  fc.constantFrom(
    '',
    '0',
    '-1',
    '1e9',
    '18446744073709551616',
    '9'.repeat(30),
    'x'.repeat(300),
    '__proto__',
    '1, 2',
    '1.5',
  ),
);
const contentType = fc.oneof(
  { weight: 12, arbitrary: fc.constant('application/json') },
  fc.constantFrom(
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'application/merge-patch+json',
    'text/plain',
    'application/json; charset=utf-16',
    'application/json; charset=',
    'multipart/form-data',
    '',
    ';',
    'json',
  ),
);
const authorization = fc.constantFrom(
  '',
  'Bearer',
  'Bearer ',
  'Bearer a.b.c',
  'Basic YTpi',
  'Bearer null',
  'bearer  x',
  'eyJ',
  'Bearer a b',
);

function headersOf(isWrite: boolean): fc.Arbitrary<Record<string, string>> {
  const odd = fc.record(
    {
      'idempotency-key': headerText,
      'last-event-id': fc.oneof(headerText, fc.nat().map(String)),
      'x-request-id': headerText,
      origin: headerText,
      accept: headerText,
      'accept-encoding': headerText,
      range: headerText,
      'if-none-match': headerText,
      'x-http-method-override': fc.constantFrom('DELETE', 'x'),
      'x-forwarded-for': headerText,
      cookie: headerText,
    },
    { requiredKeys: [] },
  );
  const token = fc.oneof(
    { weight: 12, arbitrary: fc.constant({}) },
    authorization.map((value): Record<string, string> => ({ authorization: value })),
  );
  const type = isWrite
    ? fc
        .tuple(
          contentType,
          fc.oneof({ weight: 15, arbitrary: fc.constant('') }, fc.constantFrom('gzip', 'identity', 'x')),
        )
        .map(
          ([value, encoding]): Record<string, string> => ({
            'content-type': value,
            ...(encoding === '' ? {} : { 'content-encoding': encoding }),
          }),
        )
    : fc.constant({});
  return fc
    .tuple(fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, odd), token, type)
    .map(([a, b, c]) => ({ ...a, ...b, ...c }));
}

/** An id: mostly one that exists. */
function idOf(known: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...known) },
    fc.uuid(),
    fc.constantFrom(...known).map((id) => id.toUpperCase()),
    fc.constantFrom(
      'x',
      '%00',
      '%ff',
      '%',
      '%2e%2e',
      '%2F',
      '__proto__',
      'null',
      '0',
      'a'.repeat(3_000),
      '%F0%9F%92%A9',
      `${known[0]}0`,
    ),
    hostileText.map((text) => encodeURIComponent(text.toWellFormed()) || '-'),
  );
}

/** A query string: the named parameters with valid and odd values, repeated, as lists, or malformed. */
function queryOf(parameters: Record<string, fc.Arbitrary<string>>): fc.Arbitrary<string> {
  const names = [...Object.keys(parameters), 'x', '__proto__', 'limit[]', 'limit[$gt]', ''];
  const value = (name: string): fc.Arbitrary<string> =>
    fc.oneof(
      { weight: 4, arbitrary: (Object.hasOwn(parameters, name) && parameters[name]) || fc.constant('1') },
      fc.constantFrom(
        '',
        '0',
        '-1',
        '1.5',
        '1e3',
        '999999999999999999999',
        'NaN',
        '%00',
        '%ff',
        '%',
        '0x10',
        '１',
        '[1]',
        '2020-02-30',
      ),
      hostileText.map((text) => encodeURIComponent(text.toWellFormed())),
    );
  const pair = fc.constantFrom(...names).chain((name) => value(name).map((text) => `${name}=${text}`));
  return fc
    .oneof(
      fc.constant(''),
      {
        weight: 4,
        arbitrary: fc.array(pair, { minLength: 1, maxLength: 3 }).map((pairs) => `?${pairs.join('&')}`),
      },
      fc.constantFrom('?', '?&&&', '?=', '?a', '??', '?a=b=c', '?%ff=%ff', '?a;b', `?${'a=1&'.repeat(500)}`),
    )
    .map((query) => encodeURI(query).replaceAll('%25', '%'));
}

/** Requests to one route. */
export function requestsOf(route: {
  ids: Record<string, readonly string[]>;
  query?: Record<string, fc.Arbitrary<string>>;
  /** The fields of the body. Absent for a route without a body, which sometimes gets one all the same. */
  body?: FieldArbitraries;
}): fc.Arbitrary<FuzzRequest> {
  const ids = Object.fromEntries(Object.entries(route.ids).map(([name, known]) => [name, idOf(known)]));
  const body: fc.Arbitrary<Buffer | null> = route.body
    ? fc.oneof({ weight: 20, arbitrary: bodyText(route.body) }, fc.constant(null))
    : fc.oneof({ weight: 20, arbitrary: fc.constant(null) }, bodyText({}));
  return fc.record({
    ids: fc.record(ids),
    query: queryOf(route.query ?? {}),
    headers: headersOf(route.body !== undefined),
    body,
  });
}
