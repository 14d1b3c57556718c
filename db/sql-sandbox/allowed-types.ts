/**
 * The types of pg_catalog that a query may name. All others are refused, among them types whose output looks up a name
 * (regclass and the like, aclitem, pg_node_tree), row types of system catalogs, and pseudo-types. Types of public are judged
 * by the types that they consist of (reachable.ts).
 */
const NAMES = `
bool int2 int4 int8 numeric float4 float8 money bit varbit
text varchar bpchar char name bytea uuid
date time timetz timestamp timestamptz interval
json jsonb jsonpath xml tsvector tsquery
inet cidr macaddr macaddr8
point line lseg box path polygon circle
int4range int8range numrange daterange tsrange tstzrange
int4multirange int8multirange nummultirange datemultirange tsmultirange tstzmultirange
oid tid xid xid8 cid pg_lsn pg_snapshot txid_snapshot int2vector oidvector
`;

export const ALLOWED_TYPES: ReadonlySet<string> = new Set(NAMES.split(/\s+/).filter((name) => name !== ''));

/**
 * Built-in functions whose result type writes an oid as a name. In CASE, UNION and ARRAY, other values would be converted to
 * that type and looked up too. So these functions run only as an output column of the query or under a cast to text.
 */
export const NAMING_FUNCTIONS: ReadonlySet<string> = new Set(['pg_typeof', 'get_current_ts_config']);

/** Built-in functions whose first argument may be a regconfig literal: the name of a text search configuration. */
export const CONFIG_FUNCTIONS: ReadonlySet<string> = new Set(
  `to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery ts_headline json_to_tsvector
   jsonb_to_tsvector`.split(/\s+/),
);
