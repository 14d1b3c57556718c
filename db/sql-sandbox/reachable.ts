/**
 * Checks the code of the database that a query may run without calling it by name. From the types that the query uses, it
 * follows domains, arrays, rows and ranges to domain checks, casts, operators, operator classes and input functions. It
 * considers every type that may occur, so it may refuse a query that would be safe. In a database without such code the
 * check costs one statement.
 */
import { ALLOWED_FUNCTIONS } from './allowed-functions.ts';
import { ALLOWED_TYPES } from './allowed-types.ts';
import type { CatalogReader } from './catalog-facts.ts';
import type { QueryNames } from './collect-names.ts';
import { CASTS, CLASSES, DOMAINS, EDGES, OPERATORS, TYPES } from './reachable-sql.ts';
import { SqlRefusal } from './sql-refusal.ts';
import { FIRST_USER_OID } from './unsafe-objects.ts';

/** Functions, and an operator of hstore, that make a row of keys and values. They cast the values to the column types. */
const ROW_MAKERS = /^jsonb?_populate_record(?:set|_valid)?$/;
const ROW_MAKING_OPERATOR = '#=';
/** Built-in functions that are written in SQL and cast any type to text. */
const TEXT_MAKERS: ReadonlySet<string> = new Set([
  'quote_literal',
  'quote_nullable',
  'textanycat',
  'anytextcat',
]);
const MAX_ROUNDS = 32;

interface FoundType {
  /**
   * How the query uses the type. `named`: the query casts to it. `value`: its values are used in computations. `part`: a
   * component of such values; a literal next to them is cast to it. `shown`: its values are only selected. `hand`: the
   * result of a built-in function or operator.
   */
  use: 'named' | 'value' | 'part' | 'shown' | 'hand';
  oid: number;
  name: string;
  builtIn: boolean;
}

interface Found {
  types: FoundType[];
  /** Whether the database has casts with functions, operators or operator classes that users made. */
  casts: boolean;
  /** Whether it has implicit casts that go through the text form. */
  literalCasts: boolean;
  operators: boolean;
  classes: boolean;
}

type Inner = Omit<FoundType, 'use'> & { isBase: boolean };
type Problem = { name: string; source?: string };

/**
 * Throws SqlRefusal when the query may run unsafe code. `applied` are names that may be types and are applied to a value,
 * as in `x.name` and `name(x)`.
 */
export async function checkReachable(
  read: CatalogReader,
  names: QueryNames,
  applied: string[],
): Promise<void> {
  const operators = [
    ...new Set(names.operators.flatMap(({ schema, name }) => (schema === null ? [name] : []))),
  ];
  const rows = await read<{ found: Found }>(TYPES, [
    names.relations.map(({ name }) => name),
    JSON.stringify(names.types),
    [...new Set(applied)],
    names.columns,
    names.everyColumn,
    names.wholeRows,
    [...new Set(names.functions.map(({ name }) => name))],
    operators,
    [...new Set(names.madeTypes)],
  ]);
  const { found } = rows[0]!;
  const types = await follow(read, found.types);
  for (const { use, name, builtIn } of types)
    if (builtIn && (use === 'named' || use === 'value') && !ALLOWED_TYPES.has(name)) throw refusedType(name);

  const of = (...uses: FoundType['use'][]): number[] => [
    ...new Set(types.filter(({ use }) => uses.includes(use)).map(({ oid }) => oid)),
  ];
  const first = async (sql: string, values: unknown[]): Promise<Problem | undefined> =>
    (await read<Problem>(sql, values))[0];
  const allowed = [...ALLOWED_FUNCTIONS];
  const made = found.literalCasts || makesRows(names) ? of('named', 'part', 'value') : of('named', 'part');
  if (made.some((oid) => oid >= FIRST_USER_OID)) {
    const domain = await first(DOMAINS, [made]);
    if (domain) throw refusedDomain(domain);
  }
  if (found.casts) {
    const cast = await first(CASTS, [
      of('named'),
      of('named', 'value'),
      of('named', 'value', 'hand'),
      operators.includes('||') || names.functions.some(({ name }) => TEXT_MAKERS.has(name)),
      allowed,
    ]);
    if (cast) throw refusedCast(cast);
  }
  if (found.operators) {
    const operator = await first(OPERATORS, [of('named', 'value', 'hand'), operators, allowed]);
    if (operator) throw refusedOperator(operator);
  }
  if (found.classes || types.some(({ oid }) => oid >= FIRST_USER_OID)) {
    const compared = await first(CLASSES, [
      of('named', 'value', 'hand'),
      of('named', 'value', 'hand', 'shown'),
    ]);
    if (compared) throw refusedComparison(compared);
  }
}

function makesRows(names: QueryNames): boolean {
  return (
    names.functions.some(({ name }) => ROW_MAKERS.test(name)) ||
    names.operators.some(({ name }) => name === ROW_MAKING_OPERATOR)
  );
}

/** Adds the types that the types consist of. Types of pg_catalog consist only of each other and need not be followed. */
async function follow(read: CatalogReader, seeds: FoundType[]): Promise<FoundType[]> {
  const all = new Map(seeds.map((type) => [`${type.use} ${type.oid}`, type]));
  const inside = new Map<number, Inner[]>();
  let open = seeds;
  for (let round = 0; open.length > 0; round++) {
    if (round === MAX_ROUNDS) throw new SqlRefusal('type', 'The types of the query nest too deep.');
    const ask = [...new Set(open.map(({ oid }) => oid))].filter(
      (oid) => oid >= FIRST_USER_OID && !inside.has(oid),
    );
    for (const oid of ask) inside.set(oid, []);
    const edges = ask.length === 0 ? [] : await read<Inner & { from: number }>(EDGES, [ask]);
    for (const { from, ...inner } of edges) inside.get(from)!.push(inner);
    // Each use of the outer type is also a use of the inner type.
    const next: FoundType[] = [];
    const add = (type: FoundType): void => {
      const key = `${type.use} ${type.oid}`;
      if (all.has(key)) return;
      all.set(key, type);
      next.push(type);
    };
    for (const { use, oid } of open)
      for (const { isBase, ...inner } of inside.get(oid) ?? []) {
        add({ ...inner, use });
        // Next to a value of a domain, a literal becomes the base type. Next to a row or array, its parts are cast too.
        if (use === 'value' && !isBase) add({ ...inner, use: 'part' });
      }
    open = next;
  }
  return [...all.values()];
}

/** The refusal of a type of pg_catalog that is not in ALLOWED_TYPES. */
export function refusedType(name: string): SqlRefusal {
  return new SqlRefusal(
    'type',
    `Values of the type ${name} can not be made or computed with: it is none of the types that a query may use.`,
    'Cast to text or a number instead, or only select such a column.',
  );
}

function refusedDomain({ name }: Problem): SqlRefusal {
  return new SqlRefusal(
    'type',
    `Casts to ${name} run functions of the database.`,
    `Cast to its base type or to text instead. A built-in function of that name is pg_catalog.${name}(...).`,
  );
}

function refusedCast({ name, source }: Problem): SqlRefusal {
  return new SqlRefusal(
    'type',
    `A cast of ${source} to ${name} would run a function of the database.`,
    `Only select columns of the type ${source}, one by one.`,
  );
}

function refusedOperator({ name }: Problem): SqlRefusal {
  return new SqlRefusal(
    'operator',
    `The database has an operator ${name} of its own, which could run a function.`,
    `For the built-in one write OPERATOR(pg_catalog.${name}).`,
  );
}

function refusedComparison({ name }: Problem): SqlRefusal {
  return new SqlRefusal(
    'type',
    `Values of the type ${name} are read or compared by functions of the database.`,
    'Only select such columns, or leave them out.',
  );
}
