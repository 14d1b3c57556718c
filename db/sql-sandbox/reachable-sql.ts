/** The statements of reachable.ts. Each is small, because every query has a new connection, which plans with cold caches. */
import { oidNumber } from '../connection/sql-rows.ts';
import {
  FIRST_USER_OID,
  unsafeBehind,
  unsafeExpression,
  unsafeFunction,
  unsafeOperatorClass,
} from './unsafe-objects.ts';

// $1 relations, $2 named types, $3 names that may be types, $4 columns, $5 every column, $6 whole rows, $7 functions,
// $8 operators, $9 types of constants and constructors.
export const TYPES = `with relations as (
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
  ), seeds (use, type) as (
    select 'named', n.oid from named n where not n.applied or n.typtype <> 'p'
    union select case when $5::boolean or a.attname = any ($4) then 'value' else 'shown' end, a.atttypid
      from relations r join pg_catalog.pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    union select 'value', r.reltype from relations r where $6::boolean and r.reltype <> 0
    union select 'hand', unnest(p.prorettype || coalesce(p.proallargtypes, p.proargtypes::oid[]))
      from pg_catalog.pg_proc p where p.proname = any ($7) and p.pronamespace = 'pg_catalog'::regnamespace
    union select 'hand', o.oprresult from pg_catalog.pg_operator o
      where o.oprname = any ($8) and o.oprnamespace = 'pg_catalog'::regnamespace
    union select 'hand', t.oid from pg_catalog.pg_type t
      where t.typname = any ($9) and t.typnamespace = 'pg_catalog'::regnamespace
  ), types as (
    -- The element types of built-in arrays and ranges. follow() looks up those of the other types.
    select s.use, s.type from seeds s
    union select s.use, t.typelem from seeds s join pg_catalog.pg_type t on t.oid = s.type
      where t.typcategory = 'A' and t.typelem <> 0 and t.oid < ${FIRST_USER_OID}
    union select s.use, g.rngsubtype from seeds s join pg_catalog.pg_range g on s.type in (g.rngtypid, g.rngmultitypid)
      where g.rngtypid < ${FIRST_USER_OID}
  )
  select pg_catalog.json_build_object(
    'types', (
      select coalesce(json_agg(json_build_object('use', s.use, 'oid', t.oid::int8, 'name', t.typname,
        'builtIn', t.typnamespace = 'pg_catalog'::regnamespace and t.typcategory <> 'A')), '[]')
      from types s join pg_catalog.pg_type t on t.oid = s.type),
    'casts', exists (select 1 from pg_catalog.pg_cast k where k.oid >= ${FIRST_USER_OID} and k.castfunc <> 0),
    'literalCasts', exists (
      select 1 from pg_catalog.pg_cast k
      where k.oid >= ${FIRST_USER_OID} and k.castmethod = 'i' and k.castcontext <> 'e'),
    'operators', exists (
      select 1 from pg_catalog.pg_operator o where o.oprname = any ($8) and o.oid >= ${FIRST_USER_OID}),
    'classes', exists (select 1 from pg_catalog.pg_opclass k where k.oid >= ${FIRST_USER_OID})) as found`;

/** The types that the types $1 consist of. `isBase` marks the base type of a domain. */
export const EDGES = `select ${oidNumber('t.oid')} as from, ${oidNumber('i.oid')} as oid, i.typname as name,
    i.typnamespace = 'pg_catalog'::regnamespace and i.typcategory <> 'A' as "builtIn", x.is_base as "isBase"
  from pg_catalog.pg_type t
    cross join lateral (
      select t.typbasetype, true
      union all select t.typelem, false where t.typcategory = 'A'
      union all select a.atttypid, false from pg_catalog.pg_attribute a
        where t.typrelid <> 0 and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
      union all select g.rngsubtype, false from pg_catalog.pg_range g where t.oid in (g.rngtypid, g.rngmultitypid)
      union all select g.rngtypid, false from pg_catalog.pg_range g where g.rngmultitypid = t.oid
      -- A domain's check may cast to another domain.
      union all select d.refobjid, false from pg_catalog.pg_constraint k join pg_catalog.pg_depend d
          on d.classid = 'pg_constraint'::regclass and d.objid = k.oid and d.refclassid = 'pg_type'::regclass
        where k.contypid = t.oid
    ) as x (type, is_base) join pg_catalog.pg_type i on i.oid = x.type
  where t.oid = any ($1::oid[]) and x.type <> t.oid`;

/** A domain among the types $1 whose check runs an unsafe function. */
export const DOMAINS = `select t.typname as name
  from pg_catalog.pg_type t join pg_catalog.pg_constraint k on k.contypid = t.oid
  where t.oid = any ($1::oid[]) and ${unsafeExpression('pg_constraint', 'k.oid')} limit 1`;

// The types that values of the given types may become by an implicit cast: an int becomes a bigint, a varchar a text.
const HAND = (parameter: string): string => `hand as (
    select h.type from pg_catalog.unnest(${parameter}::oid[]) as h (type)
    union select k.casttarget from pg_catalog.pg_cast k where k.castsource = any (${parameter}::oid[]) and k.castcontext = 'i'
  )`;

/**
 * An unsafe cast that the query may use. $1: types that the query names. $2: those and the types of values in computations.
 * $3: those and the types of built-in results. $4: whether something casts to text implicitly. $5: allowed functions.
 * WHERE uses an assignment cast to boolean, LIMIT one to bigint; JSON functions cast to json implicitly.
 */
export const CASTS = `with ${HAND('$3')}
  select t.typname as name, s.typname as source
  from pg_catalog.pg_cast k join pg_catalog.pg_proc f on f.oid = k.castfunc
    join pg_catalog.pg_type s on s.oid = k.castsource join pg_catalog.pg_type t on t.oid = k.casttarget
  where k.oid >= ${FIRST_USER_OID} and ${unsafeBehind('f', '$5')}
    and s.oid in (select type from hand)
    and (t.oid = any ($1::oid[])
      or (t.typname = 'text' and $4::boolean and s.oid = any ($2::oid[]))
      or (t.typname in ('json', 'jsonb') and s.typtype <> 'c' and t.oid in (select type from hand))
      or (k.castcontext <> 'e' and (t.oid in (select type from hand) or s.oid >= ${FIRST_USER_OID}
        or t.typname in ('bool', 'int8', 'float4', 'float8', 'text', 'json', 'jsonb'))))
  limit 1`;

/**
 * An unsafe operator of public that the query may use. $1: types at hand. $2: operator names. $3: allowed functions. A name
 * that PostgreSQL has too can mean the operator of public only when both operand types are at hand.
 */
export const OPERATORS = `with ${HAND('$1')}, built_in as (
    select b.oprname, b.oprleft, b.oprright from pg_catalog.pg_operator b
    where b.oprname = any ($2) and b.oprnamespace = 'pg_catalog'::regnamespace
  ), sides as (
    select o.oid as operator, i.type = 0 or t.typtype = 'p' or i.type in (select type from hand)
        or (t.typcategory = 'A' and t.typelem in (select type from hand)) as at_hand,
      -- A quoted literal gets the type of the other operand, unless a built-in operator takes the literal first.
      i.other <> 0 and not exists (
        select 1 from built_in b where b.oprname = o.oprname and b.oprleft = i.other and b.oprright = i.other) as literal
    from pg_catalog.pg_operator o
      cross join lateral (values (o.oprleft, o.oprright), (o.oprright, o.oprleft)) as i (type, other)
      left join pg_catalog.pg_type t on t.oid = i.type
    where o.oprname = any ($2) and o.oid >= ${FIRST_USER_OID}
  )
  select o.oprname as name
  from pg_catalog.pg_operator o join pg_catalog.pg_namespace n on n.oid = o.oprnamespace and n.nspname = 'public'
  where o.oprname = any ($2)
    and exists (
      select 1 from pg_catalog.pg_operator v join pg_catalog.pg_proc f on f.oid = v.oprcode
      where v.oid in (o.oid, o.oprcom, o.oprnegate) and v.oid >= ${FIRST_USER_OID} and ${unsafeBehind('f', '$3')})
    and not exists (
      select 1 from built_in b where b.oprname = o.oprname and b.oprleft = o.oprleft and b.oprright = o.oprright)
    and (not exists (select 1 from built_in b where b.oprname = o.oprname)
      or (select bool_and(s.at_hand or s.literal) and bool_or(s.at_hand) from sides s where s.operator = o.oid))
  limit 1`;

/** A type at hand ($1) whose values an unsafe function compares, or any type ($2) whose input or output is unsafe. */
export const CLASSES = `select t.typname as name
  from pg_catalog.pg_type t join pg_catalog.pg_opclass k on k.opcintype = t.oid and k.opcdefault
  where t.oid = any ($1::oid[]) and ${unsafeOperatorClass('k')}
  union all
  select t.typname
  from pg_catalog.pg_range g join pg_catalog.pg_type t on t.oid in (g.rngtypid, g.rngmultitypid)
    left join pg_catalog.pg_opclass k on k.oid = g.rngsubopc
  where g.rngtypid >= ${FIRST_USER_OID} and t.oid = any ($1::oid[]) and (
    ${unsafeOperatorClass('k')} or exists (
      select 1 from pg_catalog.pg_proc f
      where f.oid in (g.rngcanonical::oid, g.rngsubdiff::oid) and ${unsafeFunction('f')}))
  union all
  select t.typname
  from pg_catalog.pg_type t join pg_catalog.pg_proc f
    on f.oid in (t.typinput::oid, t.typoutput::oid, t.typmodin::oid, t.typmodout::oid, t.typsubscript::oid)
  where t.oid >= ${FIRST_USER_OID} and t.oid = any ($2::oid[]) and f.oid >= ${FIRST_USER_OID} and ${unsafeFunction('f')}
  limit 1`;
