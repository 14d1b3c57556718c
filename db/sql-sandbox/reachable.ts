/**
 * What a query can run without calling it: from the types that it names or computes with, through domains, arrays, rows
 * and ranges, to domain checks, casts, operators, operator classes and input functions. One catalog statement. It asks
 * which types can meet, not which do, so it errs on the safe side.
 */
import { ALLOWED_FUNCTIONS } from './allowed-functions.ts';
import { ALLOWED_TYPES } from './allowed-types.ts';
import type { CatalogReader } from './catalog-facts.ts';
import type { QueryNames } from './collect-names.ts';
import { SqlRefusal } from './sql-refusal.ts';
import {
  FIRST_USER_OID,
  unsafeBehind,
  unsafeExpression,
  unsafeFunction,
  unsafeOperatorClass,
} from './unsafe-objects.ts';

/** Functions and operators (hstore's) that make a row out of keys and values, as a cast to its type would. */
const ROW_MAKERS = /^jsonb?_populate_record(?:set|_valid)?$/;
const ROW_MAKING_OPERATOR = '#=';

interface Reached {
  kind: 'type' | 'domain' | 'cast' | 'operator' | 'class' | 'range' | 'input';
  name: string;
  /** Of a cast: what is cast. */
  source: string | null;
}

/**
 * Checks what is reachable. `applied` are names that may be types and are applied to a value, as in `x.name` and
 * `name(x)`. Throws SqlRefusal.
 */
export async function checkReachable(
  read: CatalogReader,
  names: QueryNames,
  applied: string[],
): Promise<void> {
  const makesRows =
    names.functions.some(({ name }) => ROW_MAKERS.test(name)) ||
    names.operators.some(({ name }) => name === ROW_MAKING_OPERATOR);
  const found = await read<Reached>(REACHED, [
    names.relations.map(({ name }) => name),
    JSON.stringify(names.types),
    [...new Set(applied)],
    names.columns,
    names.everyColumn,
    names.wholeRows,
    [...new Set(names.functions.map(({ name }) => name))],
    [...new Set(names.operators.flatMap(({ schema, name }) => (schema === null ? [name] : [])))],
    [...new Set(names.madeTypes)],
    makesRows,
    [...ALLOWED_TYPES],
    [...ALLOWED_FUNCTIONS],
  ]);
  const first = found[0];
  if (first) throw refusal(first);
}

function refusal({ kind, name, source }: Reached): SqlRefusal {
  switch (kind) {
    case 'type':
      return new SqlRefusal(
        'type',
        `Values of the type ${name} can not be made or computed with: it is none of the types that a query may use.`,
        'Cast to text or a number instead, or only select such a column.',
      );
    case 'domain':
      return new SqlRefusal(
        'type',
        `Casts to ${name} run functions of the database.`,
        'Cast to its base type or to text instead.',
      );
    case 'cast':
      return new SqlRefusal(
        'type',
        `A cast of ${source} to ${name} would run a function of the database.`,
        `Only select columns of the type ${source}, one by one.`,
      );
    case 'operator':
      return new SqlRefusal(
        'operator',
        `The database has an operator ${name} of its own, which could run a function.`,
        `For the built-in one write OPERATOR(pg_catalog.${name}).`,
      );
    default:
      return new SqlRefusal(
        'type',
        `Values of the type ${name} are compared or read by functions of the database.`,
        'Only select such columns, or leave them out.',
      );
  }
}

// $1 relations, $2 named types, $3 names that may be types, $4 columns, $5 every column, $6 whole rows, $7 functions,
// $8 operators, $9 types of constants and constructors, $10 makes rows, $11 types and $12 functions that are allowed.
// Uses of a type: named (values are made), value (computed with), shown (only read), hand (a result of something built in).
const REACHED = `with recursive relations as (
    select c.oid, c.reltype from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relname = any ($1)
  ), wanted as (
    select w.schema, w.name, false as applied from pg_catalog.jsonb_to_recordset($2::jsonb) as w (schema text, name text)
    union all select null, x.name, true from pg_catalog.unnest($3::text[]) as x (name)
  ), named as (
    select distinct on (w.schema, w.name, w.applied) t.oid, t.typtype, w.applied
    from wanted w join pg_catalog.pg_type t on t.typname = w.name
      join pg_catalog.pg_namespace n on n.oid = t.typnamespace
    where n.nspname = coalesce(w.schema, 'pg_catalog') or (w.schema is null and n.nspname = 'public')
    order by w.schema, w.name, w.applied, n.nspname = 'pg_catalog' desc
  ), columns as (
    select a.atttypid, $5::boolean or a.attname = any ($4) as computed
    from relations r join pg_catalog.pg_attribute a on a.attrelid = r.oid
    where a.attnum > 0 and not a.attisdropped
  ), reach (use, type) as (
    (select 'named', n.oid from named n where not n.applied or n.typtype <> 'p'
    union select case when computed then 'value' else 'shown' end, atttypid from columns
    union select 'value', r.reltype from relations r where $6::boolean
    union select 'hand', x.type
      from pg_catalog.pg_proc p cross join unnest(p.prorettype || coalesce(p.proallargtypes, p.proargtypes::oid[])) as x (type)
      where p.proname = any ($7) and p.pronamespace = 'pg_catalog'::regnamespace
    union select 'hand', o.oprresult from pg_catalog.pg_operator o
      where o.oprname = any ($8) and o.oprnamespace = 'pg_catalog'::regnamespace
    union select 'hand', t.oid from pg_catalog.pg_type t
      where t.typname = any ($9) and t.typnamespace = 'pg_catalog'::regnamespace)
    union
    select r.use, x.type from reach r join pg_catalog.pg_type t on t.oid = r.type
      cross join lateral (
        select t.typbasetype
        union all select t.typelem where t.typcategory = 'A'
        union all select a.atttypid from pg_catalog.pg_attribute a
          where t.typrelid <> 0 and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
        union all select g.rngsubtype from pg_catalog.pg_range g where t.oid in (g.rngtypid, g.rngmultitypid)
        union all select g.rngtypid from pg_catalog.pg_range g where g.rngmultitypid = t.oid
        union all select d.refobjid from pg_catalog.pg_constraint k join pg_catalog.pg_depend d
            on d.classid = 'pg_constraint'::regclass and d.objid = k.oid and d.refclassid = 'pg_type'::regclass
          where t.typtype = 'd' and k.contypid = t.oid and d.refobjid <> t.oid
      ) as x (type)
    where x.type <> 0
  ), hand as (
    select type from reach where use <> 'shown'
    -- What a value turns into by itself: an int into a bigint, a varchar into a text.
    union select k.casttarget from reach r join pg_catalog.pg_cast k on k.castsource = r.type and k.castcontext = 'i'
    where r.use <> 'shown'
  )
  select 'type' as kind, t.typname as name, null as source
  from reach r join pg_catalog.pg_type t on t.oid = r.type
  where r.use in ('named', 'value') and t.typnamespace = 'pg_catalog'::regnamespace
    and t.typcategory <> 'A' and t.typname <> all ($11)
  union all
  select 'domain', t.typname, null
  from reach r join pg_catalog.pg_type t on t.oid = r.type and t.typtype = 'd'
    join pg_catalog.pg_constraint k on k.contypid = t.oid
  where (r.use = 'named' or ($10::boolean and r.use = 'value')) and ${unsafeExpression('pg_constraint', 'k.oid')}
  union all
  -- WHERE takes an assignment cast to boolean, LIMIT one to bigint; \`||\` and JSON functions cast to text and json by themselves.
  select 'cast', t.typname, s.typname
  from pg_catalog.pg_cast k join pg_catalog.pg_proc f on f.oid = k.castfunc
    join pg_catalog.pg_type s on s.oid = k.castsource join pg_catalog.pg_type t on t.oid = k.casttarget
  where k.oid >= ${FIRST_USER_OID} and ${unsafeBehind('f', '$12')}
    and s.oid in (select type from hand)
    and (t.oid in (select type from reach where use = 'named')
      or (t.typname = 'text' and '||' = any ($8) and s.oid in (select type from reach where use in ('named', 'value')))
      or (t.typname in ('json', 'jsonb') and s.typtype <> 'c' and t.oid in (select type from hand))
      or (k.castcontext <> 'e' and (t.oid in (select type from hand) or s.oid >= ${FIRST_USER_OID}
        or t.typname in ('bool', 'int8', 'float4', 'float8', 'text', 'json', 'jsonb'))))
  union all
  select 'operator', o.oprname, null
  from pg_catalog.pg_operator o join pg_catalog.pg_namespace n on n.oid = o.oprnamespace and n.nspname = 'public'
  where o.oprname = any ($8)
    and exists (
      select 1 from pg_catalog.pg_operator v join pg_catalog.pg_proc f on f.oid = v.oprcode
      where v.oid in (o.oid, o.oprcom, o.oprnegate) and v.oid >= ${FIRST_USER_OID} and ${unsafeBehind('f', '$12')})
    -- A built-in one for the same types is found first.
    and not exists (
      select 1 from pg_catalog.pg_operator b where b.oprname = o.oprname and b.oprnamespace = 'pg_catalog'::regnamespace
        and b.oprleft = o.oprleft and b.oprright = o.oprright)
    and (not exists (
        select 1 from pg_catalog.pg_operator b
        where b.oprname = o.oprname and b.oprnamespace = 'pg_catalog'::regnamespace)
      or (select bool_and(
          i.type = 0 or t.typtype = 'p' or i.type in (select type from hand)
          or coalesce(nullif(t.typelem, 0) in (select type from hand), false)
          -- A literal in quotes becomes what the other side is, unless something built in takes it first.
          or (i.other <> 0 and not exists (
            select 1 from pg_catalog.pg_operator b
            where b.oprname = o.oprname and b.oprnamespace = 'pg_catalog'::regnamespace
              and b.oprleft = i.other and b.oprright = i.other)))
        from (values (o.oprleft, o.oprright), (o.oprright, o.oprleft)) as i (type, other)
          left join pg_catalog.pg_type t on t.oid = i.type)
        and (o.oprleft = 0 or exists (
          select 1 from hand h left join pg_catalog.pg_type e on e.typelem = h.type
          where h.type in (o.oprleft, o.oprright) or e.oid in (o.oprleft, o.oprright))
          or exists (select 1 from pg_catalog.pg_type t where t.oid in (o.oprleft, o.oprright) and t.typtype = 'p')))
  union all
  select 'class', t.typname, null
  from reach r join pg_catalog.pg_type t on t.oid = r.type join pg_catalog.pg_opclass k on k.opcintype = t.oid
  where r.use <> 'shown' and k.opcdefault and ${unsafeOperatorClass('k')}
  union all
  select 'range', t.typname, null
  from reach r join pg_catalog.pg_range g on r.type in (g.rngtypid, g.rngmultitypid)
    join pg_catalog.pg_type t on t.oid = r.type
    left join pg_catalog.pg_opclass k on k.oid = g.rngsubopc
  where g.rngtypid >= ${FIRST_USER_OID} and r.use <> 'shown' and (
    ${unsafeOperatorClass('k')} or exists (
      select 1 from pg_catalog.pg_proc f
      where f.oid in (g.rngcanonical::oid, g.rngsubdiff::oid) and ${unsafeFunction('f')}))
  union all
  select 'input', t.typname, null
  from reach r join pg_catalog.pg_type t on t.oid = r.type
    join pg_catalog.pg_proc f on f.oid in (t.typinput::oid, t.typoutput::oid, t.typmodin::oid, t.typmodout::oid, t.typsubscript::oid)
  where t.oid >= ${FIRST_USER_OID} and f.oid >= ${FIRST_USER_OID} and ${unsafeFunction('f')}
  limit 1`;
