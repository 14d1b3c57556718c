/** Checks the functions that a query calls, also by a dot, as in `row.name` and `(value).name`. */
import { nearestNames } from '../../domain/rules/block-registry.ts';
import { ALLOWED_FUNCTIONS } from './allowed-functions.ts';
import { NAMING_FUNCTIONS } from './allowed-types.ts';
import type { CatalogFacts } from './catalog-facts.ts';
import type { Attribute, QueryNames } from './collect-names.ts';
import { SqlRefusal } from './sql-refusal.ts';

/** Functions whose form with fewer arguments executes SQL from a text. */
const MIN_ARGUMENTS: ReadonlyMap<string, number> = new Map([['ts_rewrite', 3]]);

/** Checks the calls as they are written in the query. Throws SqlRefusal. */
export function checkCalls(names: QueryNames): void {
  for (const { schema, name, args } of names.functions) {
    if (schema !== null && schema !== 'pg_catalog')
      throw new SqlRefusal(
        'function',
        `${schema}.${name} is a function of the database; those do not run here.`,
        BUILT_IN,
      );
    if (!ALLOWED_FUNCTIONS.has(name))
      throw new SqlRefusal(
        'function',
        `The function ${name} does not run here.`,
        `${suggestFunctions(name)}${BUILT_IN}`,
      );
    if (args < (MIN_ARGUMENTS.get(name) ?? 0))
      throw new SqlRefusal('function', `${name} with ${args} arguments would run SQL out of a text.`);
  }
}

/** Checks the calls against the functions of the database. Throws SqlRefusal. */
export function checkFunctions(names: QueryNames, facts: CatalogFacts): void {
  for (const { schema, name } of names.functions) {
    if (schema === null && facts.ownFunctions.includes(name))
      throw new SqlRefusal(
        'function',
        `The database has a function ${name} of its own, which could run instead of the built-in one.`,
        `Write pg_catalog.${name}(...).`,
      );
  }
  const columns = knownColumns(facts);
  for (const attribute of names.attributes) {
    if (!isKnownColumn(attribute, columns) && callsByDot(attribute, facts))
      throw new SqlRefusal(
        'function',
        `.${attribute.name} could call the function ${attribute.name} on a value.`,
        `Where ${attribute.name} is a column, write it without the table's name.`,
      );
  }
}

/** Names that may cast a value to a type of the database: `name(x)`, and `x.name` where x has no such column. */
export function typesOfCalls(names: QueryNames, facts: CatalogFacts): string[] {
  const called = names.functions.flatMap(({ schema, name, args }) =>
    args === 1 && schema === null ? [name] : [],
  );
  const columns = knownColumns(facts);
  const dotted = names.attributes.flatMap((attribute) =>
    isKnownColumn(attribute, columns) ? [] : [attribute.name],
  );
  return [...called, ...dotted];
}

function callsByDot(attribute: Attribute, facts: CatalogFacts): boolean {
  const { name, of } = attribute;
  const allowed = ALLOWED_FUNCTIONS.has(name) && !NAMING_FUNCTIONS.has(name) && !MIN_ARGUMENTS.has(name);
  return facts.dotFunctions.some(
    (found) => found.name === name && (of === 'value' || found.ofRow) && !(found.builtIn && allowed),
  );
}

/** Each column as JSON of `[relation, column]`. */
function knownColumns(facts: CatalogFacts): ReadonlySet<string> {
  return new Set(
    facts.relations.flatMap(({ name, columns }) => columns.map((column) => JSON.stringify([name, column]))),
  );
}

function isKnownColumn({ name, of }: Attribute, columns: ReadonlySet<string>): boolean {
  if (typeof of === 'string') return false;
  return of.relations.every((relation) => columns.has(JSON.stringify([relation, name])));
}

const BUILT_IN =
  'Functions that run: aggregates, window functions, text, number, date, json, array, range and text search functions of PostgreSQL.';

function suggestFunctions(name: string): string {
  const nearest = nearestNames(name, [...ALLOWED_FUNCTIONS], 3);
  return nearest.length > 0 ? `Nearest: ${nearest.join(', ')}. ` : '';
}
