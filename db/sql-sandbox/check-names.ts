/**
 * Checks the names of a query against this database: it may read only safe relations and call only built-in functions. The
 * definition of a view goes through the same checks.
 */
import { ALLOWED_TYPES } from './allowed-types.ts';
import { type CatalogFacts, type CatalogReader, loadFacts, type RelationFacts } from './catalog-facts.ts';
import { checkCalls, checkFunctions, typesOfCalls } from './check-functions.ts';
import { checkSyntax } from './check-syntax.ts';
import type { QueryNames } from './collect-names.ts';
import type { QualifiedName } from './query-tree.ts';
import { checkReachable, refusedType } from './reachable.ts';
import { PUBLIC_ONLY, refusedSchema, unknownRelation } from './refusals.ts';
import { SqlRefusal } from './sql-refusal.ts';

export type { CatalogReader } from './catalog-facts.ts';
export { UNSAFE_RELATION } from './unsafe-objects.ts';

export interface ReadRelation {
  name: string;
  /** Whether the connected role may select from it. */
  granted: boolean;
  /** Whether row level security may hide rows. */
  rowSecurity: boolean;
}

/** Whether names belong to the query or to the definition of a view that it reads. */
export interface NameContext {
  /** How many view definitions surround the names. */
  depth: number;
  /** Whose rights tables are read with: the connected role's, or a view's owner's, now or when the view was filled. */
  readsAs: 'invoker' | 'owner' | 'stored';
  /** False when another role than the connected one will read. Then the rights of the connected role do not matter. */
  asReader: boolean;
}

const MAX_VIEW_DEPTH = 16;
const QUERY: NameContext = { depth: 0, readsAs: 'invoker', asReader: true };

/** Checks the names of a query. Returns the relations that it names. Throws SqlRefusal. */
export async function checkNames(
  read: CatalogReader,
  names: QueryNames,
  context: NameContext = QUERY,
): Promise<ReadRelation[]> {
  if (context.depth > MAX_VIEW_DEPTH) throw new SqlRefusal('not_readable', 'The views nest too deep.');
  checkQualifiers(names);
  checkCalls(names);
  const facts = await loadFacts(read, names);
  checkFunctions(names, facts);
  await checkReachable(read, names, typesOfCalls(names, facts));
  const relations: ReadRelation[] = [];
  for (const { name } of distinct(names.relations)) {
    if (facts.systemRelations.includes(name)) throw refusedSchema('pg_catalog', name);
    const found = facts.relations.find((relation) => relation.name === name);
    if (!found) throw await unknownRelation(read, name);
    const rowSecurity = await checkRelation(read, found, context);
    if (rowSecurity && names.isExplain)
      throw new SqlRefusal(
        'not_readable',
        `An EXPLAIN of ${name} would show the policies of its row level security.`,
        'Run the query itself.',
      );
    relations.push({ name, granted: found.granted, rowSecurity });
  }
  await checkRowTypes(read, names, facts, context);
  return relations;
}

/** Whether a view of public is safe to read. `asReader`: the connected role is the one that will read the view. */
export async function isSafeView(
  read: CatalogReader,
  name: string,
  options: { asReader: boolean },
): Promise<boolean> {
  const relation = pgIdentifier(name);
  try {
    await checkNames(read, checkSyntax(`select * from public.${relation}`), { ...QUERY, ...options });
    return true;
  } catch (error: unknown) {
    if (error instanceof SqlRefusal) return false;
    throw error;
  }
}

function pgIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Returns whether row level security may hide rows. Throws SqlRefusal when the relation is not safe to read. */
async function checkRelation(
  read: CatalogReader,
  found: RelationFacts,
  context: NameContext,
): Promise<boolean> {
  const refuse = (why: string): never => {
    throw new SqlRefusal('not_readable', `${found.name} ${why}, so it is not readable here.`, PUBLIC_ONLY);
  };
  if (found.unsafe !== null) refuse(found.unsafe);
  if (found.row_security && context.readsAs !== 'invoker')
    refuse("has row level security, which a view with its owner's rights goes around");
  if (found.row_security && context.asReader && !found.row_security_active)
    refuse('has row level security, which does not bind the role that the service connects as');
  if (found.definition === null) return found.row_security;
  return checkView(read, found.name, found.definition, {
    ...context,
    depth: context.depth + 1,
    readsAs: context.readsAs === 'stored' ? 'stored' : found.reads_as,
  });
}

async function checkView(
  read: CatalogReader,
  name: string,
  definition: string,
  context: NameContext,
): Promise<boolean> {
  try {
    const inside = await checkNames(read, checkSyntax(definition, { isView: true }), context);
    return inside.some(({ rowSecurity }) => rowSecurity);
  } catch (error: unknown) {
    if (!(error instanceof SqlRefusal)) throw error;
    // The error must not reveal the definition, so it does not name what was refused inside.
    throw new SqlRefusal(
      'not_readable',
      `The view ${name} reads or runs something beyond the tables of public, so it is not readable here.`,
      PUBLIC_ONLY,
    );
  }
}

/** A query may name the row type of a relation only when it may read the relation. */
async function checkRowTypes(
  read: CatalogReader,
  names: QueryNames,
  facts: CatalogFacts,
  context: NameContext,
): Promise<void> {
  const checked = new Set(names.relations.map(({ name }) => name));
  for (const { schema, name } of distinct(names.types)) {
    if (schema === null && ALLOWED_TYPES.has(name)) continue;
    const found = facts.relations.find((relation) => relation.name === name);
    if (found && !checked.has(name)) await checkRelation(read, found, context);
  }
}

function distinct(names: readonly QualifiedName[]): QualifiedName[] {
  return [...new Map(names.map((name) => [name.name, name])).values()];
}

function checkQualifiers(names: QueryNames): void {
  for (const { schema, name } of names.relations)
    if (schema !== null && schema !== 'public') throw refusedSchema(schema, name);
  for (const { schema, name } of names.operators) {
    if (schema !== null && schema !== 'pg_catalog')
      throw new SqlRefusal(
        'operator',
        `The operator ${schema}.${name} is none of PostgreSQL's own.`,
        'Use built-in ones.',
      );
  }
  for (const { schema, name } of names.types) {
    if (schema !== null && schema !== 'public' && schema !== 'pg_catalog') throw refusedSchema(schema, name);
    if (schema === 'pg_catalog' && !ALLOWED_TYPES.has(name)) throw refusedType(name);
  }
}
