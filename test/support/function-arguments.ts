/** SQL expressions for the arguments of the allowed functions, as large as their limits permit. */
import type { ArgumentLimit } from '../../db/sql-sandbox/allowed-functions.ts';
import { COST_LIMITS } from '../../db/sql-sandbox/cost-guards.ts';

/** An expression of a type, as large as its limit permits; null when no query can make one. */
export function argument(type: string, limit: ArgumentLimit, name: string, index: number): string | null {
  const size = sizeOf(limit);
  const items = Math.max(1, Math.floor(size / 8));
  switch (type) {
    case 'text':
    case 'varchar':
    case 'bpchar':
    case 'name':
    case 'cstring':
      return (
        text(limit, size, name, index) +
        (type === 'text' ? '::text' : `::${type === 'cstring' ? 'cstring' : type}`)
      );
    case 'bytea':
      return `convert_to(${text(limit, size, name, index)}, 'UTF8')`;
    case 'bit':
    case 'varbit':
      return `repeat('1', ${Math.min(size, 10_000)})::bit varying::bit(${Math.min(size, 10_000)})`;
    case 'int2':
      return '3::int2';
    case 'int4':
      return limit === 'width'
        ? String(COST_LIMITS.large)
        : name === 'repeat'
          ? '1000'
          : name === 'chr'
            ? '65'
            : '3';
    case 'int8':
      return limit === 'exponent' ? String(COST_LIMITS.exponent) : '7::int8';
    case 'float4':
    case 'float8':
      return '0.5::float8';
    case 'numeric':
      if (limit === 'exponent') return `${COST_LIMITS.exponent}.0`;
      return `(repeat('9', ${name === 'power' || name === 'pow' ? 12 : 1_000}) || '.5')::numeric`;
    case 'money':
      return '12::money';
    case 'bool':
      return 'true';
    case 'char':
      return `'a'::"char"`;
    case 'json':
      return name.includes('each') ||
        name.includes('keys') ||
        name.includes('record') ||
        name.includes('extract') ||
        name.includes('tsvector')
        ? `('{' || repeat('"a":1,', ${Math.floor(size / 6)}) || '"b":1}')::json`
        : `('[' || repeat('1,', ${Math.floor(size / 2)}) || '1]')::json`;
    case 'jsonb':
      return name.includes('each') ||
        name.includes('keys') ||
        (name.includes('record') && !name.includes('set'))
        ? `(select jsonb_object_agg(i, i) from generate_series(1, ${Math.floor(size / 20)}) i)`
        : `(select jsonb_agg('k' || i) from generate_series(1, ${Math.floor(size / 12)}) i)`;
    case 'jsonpath':
      return `'$[*] ? (@ > 1)'::jsonpath`;
    case 'xml':
      return `('<a>' || repeat('<b/>', ${Math.floor(size / 4) - 4}) || '</a>')::xml`;
    case 'tsvector':
      return `to_tsvector('simple', repeat('lamp red blue ', ${Math.floor(size / 14)}))`;
    case 'tsquery':
      return `'lamp & red | blue'::tsquery`;
    case 'regconfig':
      return `'english'::regconfig`;
    case 'any':
    case 'anyelement':
    case 'anynonarray':
    case 'anycompatible':
    case 'anycompatiblenonarray':
      if (name.includes('populate')) return 'null::public.cost_row';
      return /array|range|width_bucket|lag|lead/.test(name) && !/json|array_agg/.test(name)
        ? '3::int'
        : `repeat('x', ${size})::text`;
    case 'anyarray':
    case 'anycompatiblearray':
      return `(select array_agg(i::int) from generate_series(1, ${items}) i)`;
    case '_text':
      return `array_fill('ab'::text, array[${Math.max(2, 2 * Math.floor(size / 20))}])`;
    case '_any':
      return `repeat('x', ${size})::text`;
    case '_char':
      return `array['a'::"char"]`;
    case '_float8':
      return `array[0.5::float8]`;
    case '__text':
      return null;
    case 'anyenum':
      return `'low'::public.cost_mood`;
    case 'record':
      return `row(repeat('x', ${size}))`;
    case 'polygon':
    case 'path':
      return `('(' || rtrim(repeat('(0,0),', ${Math.floor(size / 6)}), ',') || ')')::${type}`;
    case 'anyrange':
      return 'int4range(1, 9)';
    case 'anymultirange':
      return `(select range_agg(int4range(i * 3, i * 3 + 1)) from generate_series(1, ${items}) i)`;
    default:
      return plain(type);
  }
}

function plain(type: string): string | null {
  const values: Record<string, string> = {
    date: `date '2024-01-31'`,
    time: `time '10:00'`,
    timetz: `timetz '10:00+00'`,
    timestamp: `timestamp '2024-01-31'`,
    timestamptz: `timestamptz '2024-01-31'`,
    interval: `interval '3 days'`,
    uuid: `'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid`,
    inet: `inet '10.0.0.1/8'`,
    cidr: `cidr '10.0.0.0/8'`,
    macaddr8: `macaddr8 '08:00:2b:01:02:03:04:05'`,
    point: 'point(1, 2)',
    box: `box '((0,0),(1,1))'`,
    lseg: `lseg '((0,0),(1,1))'`,
    line: `line '{1,2,3}'`,
    circle: `circle '((0,0),1)'`,
    macaddr: `macaddr '08:00:2b:01:02:03'`,
    oid: '1::oid',
  };
  const range = /^(int4|int8|num|date|ts|tstz)(multi)?range$/.exec(type);
  if (range) return `'${range[2] ? '{}' : 'empty'}'::${type}`;
  if (/^_(int4|int8|num|date|ts|tstz)range$/.test(type)) return `'{empty}'::${type.slice(1)}[]`;
  return values[type] ?? null;
}

function sizeOf(limit: ArgumentLimit): number {
  switch (limit) {
    case 'long':
    case 'longBytes':
      return COST_LIMITS.long;
    case 'short':
    case 'shortBytes':
    case 'sizeShort':
      return COST_LIMITS.short;
    case 'pattern':
      return COST_LIMITS.pattern;
    case 'xml':
      return COST_LIMITS.xml;
    case 'list':
      return COST_LIMITS.list;
    case 'quadratic':
      return COST_LIMITS.quadratic;
    case 'number':
      return COST_LIMITS.number;
    case 'none':
      return 40;
    default:
      return COST_LIMITS.large;
  }
}

/** The worst text for most functions: a search almost matches at each position. */
function text(limit: ArgumentLimit, size: number, name: string, index: number): string {
  if (limit === 'xpath') return `'//b[last()]|//b'`;
  if (limit === 'template') return `'%s %s'`;
  if (limit === 'pattern') return name.startsWith('regexp') ? `'(a|a)*(x+x+)+y'` : `'lamp'`;
  if (limit === 'short' || limit === 'shortBytes')
    return name === 'translate' || name.endsWith('trim')
      ? `repeat('y', ${size - 1}) || 'x'`
      : `'b' || repeat('x', ${size - 1})`;
  if (limit === 'none') {
    if (/^(date_|extract)/.test(name)) return `'day'`;
    if (name === 'timezone') return `'UTC'`;
    return index > 0 ? `'UTF8'` : `'a'`;
  }
  if (/^(convert|encode|decode|to_ascii)/.test(name) && index > 0) return `'UTF8'`;
  if (name === 'normalize' || name === 'is_normalized')
    return index > 0 ? `'NFKD'` : `repeat(U&'\\0301', ${size / 2}) || repeat(U&'\\0316', ${size / 2})`;
  if (/^ts_|tsvector/.test(name)) return `repeat('lamp red ', ${Math.floor(size / 9)})`;
  return `repeat('x', ${size})`;
}
