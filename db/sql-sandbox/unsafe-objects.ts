/**
 * SQL conditions for objects that are unsafe to use. C and internal functions with the caller's rights are trusted, as most
 * extensions have them. Functions in SQL or a procedural language, and SECURITY DEFINER functions, are not.
 */

/** The first oid of an object that users made (FirstNormalObjectId in PostgreSQL's source). */
export const FIRST_USER_OID = 16384;

/** Whether a function is unsafe to run. `f` is the alias of its pg_proc row. */
export function unsafeFunction(f: string): string {
  return `(${f}.prosecdef or (select l.lanname not in ('c', 'internal') from pg_catalog.pg_language l where l.oid = ${f}.prolang))`;
}

/**
 * Whether the function of an operator or cast is unsafe. Besides unsafeFunction, a built-in function is unsafe when it is
 * not in `allowedFunctions` and no built-in operator or cast uses it: a user's operator could give it another name.
 */
export function unsafeBehind(f: string, allowedFunctions: string): string {
  return `(${unsafeFunction(f)} or (${f}.pronamespace = 'pg_catalog'::regnamespace and ${f}.proname <> all (${allowedFunctions})
    and not exists (select 1 from pg_catalog.pg_operator o where o.oprcode = ${f}.oid and o.oid < ${FIRST_USER_OID})
    and not exists (select 1 from pg_catalog.pg_cast k where k.castfunc = ${f}.oid and k.oid < ${FIRST_USER_OID})))`;
}

/** Whether a user's operator class runs an unsafe function. `k` is the alias of its pg_opclass row. */
export function unsafeOperatorClass(k: string): string {
  return `(${k}.oid >= ${FIRST_USER_OID} and (
    exists (select 1 from pg_catalog.pg_amproc m join pg_catalog.pg_proc f on f.oid = m.amproc
      where m.amprocfamily = ${k}.opcfamily and ${unsafeFunction('f')})
    or exists (select 1 from pg_catalog.pg_amop m join pg_catalog.pg_operator o on o.oid = m.amopopr
      join pg_catalog.pg_proc f on f.oid = o.oprcode
      where m.amopfamily = ${k}.opcfamily and ${unsafeFunction('f')})))`;
}

/** Whether an expression runs an unsafe function or operator, according to its pg_depend entries. */
export function unsafeExpression(classId: string, objectId: string, condition = unsafeFunction('f')): string {
  return `exists (
    select 1 from pg_catalog.pg_depend d
      left join pg_catalog.pg_operator o on d.refclassid = 'pg_operator'::regclass and o.oid = d.refobjid
      join pg_catalog.pg_proc f on f.oid = case when d.refclassid = 'pg_proc'::regclass then d.refobjid else o.oprcode end
    where d.classid = '${classId}'::regclass and d.objid = ${objectId} and ${condition})`;
}

/** BELOW: a relation and all its partitions and child tables. FAMILY: also its parents. `c` is its pg_class row. */
const BELOW = `below as (
        select c.oid
        union select i.inhrelid from pg_catalog.pg_inherits i join below b on i.inhparent = b.oid
      )`;
const FAMILY = `${BELOW}, above as (
        select i.inhparent as oid from pg_catalog.pg_inherits i where i.inhrelid = c.oid
        union select i.inhparent from pg_catalog.pg_inherits i join above a on i.inhrelid = a.oid
      ), parts as (select d.* from below join pg_catalog.pg_class d on d.oid = below.oid where d.oid <> c.oid)`;

const UNSAFE_CASTS = `case when exists (
      select 1 from pg_catalog.pg_cast k join pg_catalog.pg_proc f on f.oid = k.castfunc
      where k.castsource = c.reltype and k.castcontext <> 'e' and ${unsafeFunction('f')}
    ) then 'has casts that run functions' end`;

/** Why a relation of public is not safe to read, judged by its kind and by where its rows are; null when it is safe. */
export const UNSAFE_PLACE = `case
    when c.relkind = 'f' then 'reads another server'
    when c.relkind not in ('r', 'p', 'v', 'm') then 'is no table'
    -- Most relations have no family: relhassubclass is never false for one with parts.
    when c.relhassubclass or exists (select 1 from pg_catalog.pg_inherits i where i.inhrelid = c.oid) then coalesce((
      with recursive ${FAMILY}
      select case
        when exists (
          select 1 from parts d join pg_catalog.pg_namespace n on n.oid = d.relnamespace
          where d.relkind = 'f' or (n.nspname <> 'public' and (n.nspname = 'ai' or not d.relispartition))
        ) then 'has parts in another schema'
        -- A query of the parent does not apply the partition's policies, and a query of the partition not the parent's.
        when not c.relrowsecurity and exists (select 1 from parts d where d.relrowsecurity)
          then 'has parts with row level security'
        when not c.relrowsecurity and exists (
          select 1 from above join pg_catalog.pg_class p on p.oid = above.oid where p.relrowsecurity
        ) then 'is a part of a table with row level security'
      end), ${UNSAFE_CASTS})
    else ${UNSAFE_CASTS}
  end`;

/** Whether a relation has anything that UNSAFE_CODE checks. It is cheap, and saves planning UNSAFE_CODE. */
export const HAS_CODE = `exists (
    with recursive ${BELOW}
    select 1 from below b join pg_catalog.pg_class d on d.oid = b.oid
    where d.relkind = 'p' or (d.relchecks > 0 and d.oid <> c.oid)
      or exists (select 1 from pg_catalog.pg_index i where i.indrelid = d.oid and (i.indexprs is not null
        or i.indpred is not null or ${FIRST_USER_OID} <= any (i.indclass::oid[])))
      or exists (select 1 from pg_catalog.pg_statistic_ext s where s.stxrelid = d.oid)
      or exists (select 1 from pg_catalog.pg_attribute a where a.attrelid = d.oid and a.attgenerated = 'v'))`;

/** Why a relation of public is not safe to read, judged by the functions that run when it is read; null when it is safe. */
export const UNSAFE_CODE = `(
      with recursive ${FAMILY}
      select case
        -- An index or a partition key compares with the functions of its operator class, whatever operator is written.
        when exists (
          select 1 from below b join pg_catalog.pg_index i on i.indrelid = b.oid
            join pg_catalog.pg_opclass k on k.oid = any (i.indclass)
          where ${unsafeOperatorClass('k')}
        ) or exists (
          select 1 from below b join pg_catalog.pg_partitioned_table t on t.partrelid = b.oid
            join pg_catalog.pg_opclass k on k.oid = any (t.partclass)
          where ${unsafeOperatorClass('k')}
        ) then 'has an index or a partition key that runs functions'
        -- The planner evaluates constant expressions in these before it reads a row.
        when exists (
          select 1 from below b join pg_catalog.pg_index i on i.indrelid = b.oid
          where ${unsafeExpression('pg_class', 'i.indexrelid', 'f.prosecdef')}
        ) or exists (
          select 1 from below b join pg_catalog.pg_statistic_ext s on s.stxrelid = b.oid
          where ${unsafeExpression('pg_statistic_ext', 's.oid', 'f.prosecdef')}
        ) or exists (
          select 1 from parts d join pg_catalog.pg_constraint k on k.conrelid = d.oid and k.contype = 'c'
          where ${unsafeExpression('pg_constraint', 'k.oid', 'f.prosecdef')}
        ) then 'has an index, statistics or a check that runs functions with the rights of another role'
        -- Virtual columns (PostgreSQL 18) are computed when they are read.
        when exists (
          select 1 from below b join pg_catalog.pg_attribute a on a.attrelid = b.oid and a.attgenerated = 'v'
            join pg_catalog.pg_attrdef e on e.adrelid = a.attrelid and e.adnum = a.attnum
          where ${unsafeExpression('pg_attrdef', 'e.oid')}
        ) then 'has columns that run functions'
      end)`;

/** Why a relation of public is not safe to read, or null. `c` is its pg_class row. */
export const UNSAFE_RELATION = `coalesce(${UNSAFE_PLACE}, case when ${HAS_CODE} then ${UNSAFE_CODE} end)`;
