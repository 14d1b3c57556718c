/**
 * The built-in functions that the model's queries may call, with the cost of each. All other functions are refused, also
 * those of a newer PostgreSQL. Left out are functions that read settings, catalogs, files, sequences, large objects or
 * other sessions, that execute SQL from their arguments, and that lock, notify, sleep or write.
 */

/** How the time of one call grows with the size of its arguments. */
export type CostClass = 'constant' | 'linear' | 'superlinear';

/**
 * What is checked of an argument before the function is called.
 * - `any`: the size of a value of any type. `text`: the length of a text.
 * - `long`, `longBytes`: the long argument of a function whose time is the product of two lengths. `short`, `shortBytes`,
 *   `sizeShort`: its short argument.
 * - `list`: an array whose elements are compared with those of another. `quadratic`: a text whose square is the time.
 * - `xml`: a document that an XPath walks. `xpath`: a literal XPath of a simple form.
 * - `pattern`: a regular expression or a text search query.
 * - `exponent`: a number that decides the size of the result. `width`: a length to which the result is padded.
 * - `template`: a literal format without widths. `dimensions`: literal array dimensions.
 * - `number`: a text that is parsed into a numeric.
 */
export type ArgumentLimit =
  | 'none'
  | 'any'
  | 'text'
  | 'long'
  | 'longBytes'
  | 'short'
  | 'shortBytes'
  | 'sizeShort'
  | 'list'
  | 'quadratic'
  | 'xml'
  | 'xpath'
  | 'pattern'
  | 'exponent'
  | 'width'
  | 'template'
  | 'dimensions'
  | 'number';

export interface FunctionCost {
  cost: CostClass;
  /** Whether a cancel interrupts a running call. A call that can't be interrupted is bounded by `limits`. */
  interruptible: boolean;
  /** One per argument; the last one also holds for all later arguments. */
  limits: readonly ArgumentLimit[];
  /** Whether the result may be larger than the arguments. */
  grows: boolean;
  /** What is checked of the result, for functions that make a large value of small arguments or of many rows. */
  result: 'text' | 'any' | null;
}

/** Functions of numbers, dates, ranges and network addresses, window functions, and aggregates with a fixed-size state. */
const CONSTANT = `
abs acos acosd acosh asin asind asinh atan atan2 atan2d atand atanh cbrt ceil ceiling cos cosd cosh cot cotd degrees div
erf erfc exp floor gamma gcd lcm lgamma ln log log10 min_scale mod pi radians random random_normal round scale sign sin sind
sinh sqrt tan tand tanh trim_scale trunc width_bucket
ascii chr to_bin to_hex to_oct bit_count get_bit get_byte
age clock_timestamp date date_add date_bin date_part date_subtract date_trunc extract isfinite justify_days justify_hours
justify_interval make_date make_interval make_time make_timestamp make_timestamptz now overlaps statement_timestamp timeofday
timezone transaction_timestamp
bool char float4 float8 int2 int4 int8 interval name time timestamp timestamptz timetz money
array_dims array_length array_lower array_ndims array_upper cardinality generate_series generate_subscripts
enum_first enum_last enum_range
json_typeof jsonb_array_length jsonb_typeof
avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp every percentile_cont percentile_disc regr_avgx
regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev stddev_pop stddev_samp sum var_pop
var_samp variance
cume_dist dense_rank ntile percent_rank rank row_number
num_nonnulls num_nulls
get_current_ts_config numnode
isempty lower_inc lower_inf upper_inc upper_inf
gen_random_uuid uuid_extract_timestamp uuid_extract_version uuidv4 uuidv7
abbrev broadcast cidr family host hostmask inet_merge inet_same_family macaddr8_set7bit masklen netmask network set_masklen
bound_box box center circle diagonal diameter height isopen isparallel isperp isvertical ishorizontal line lseg npoints point radius
slope width
hashint4 hashint8
cash_words pg_column_size pg_collation_for pg_size_pretty pg_typeof version
`;

/** Linear functions whose result is no larger than the arguments. */
const LINEAR = `
bit_length btrim casefold char_length character_length initcap left length lower md5 octet_length reverse right
starts_with substr upper to_ascii bpchar varchar text
convert_from crc32 crc32c decode set_bit set_byte sha224 sha256 sha384 sha512
array_position array_positions array_remove array_reverse array_sample array_shuffle array_sort trim_array unnest
json_array_elements json_array_elements_text json_array_length json_each json_each_text json_extract_path
json_extract_path_text json_object_keys json_strip_nulls jsonb_array_elements jsonb_array_elements_text 
jsonb_delete_path jsonb_each jsonb_each_text jsonb_exists jsonb_extract_path
jsonb_extract_path_text jsonb_object_keys jsonb_strip_nulls jsonb_path_exists jsonb_path_exists_tz jsonb_path_match
jsonb_path_match_tz jsonb_path_query jsonb_path_query_first jsonb_path_query_first_tz jsonb_path_query_tz
any_value first_value lag last_value lead max min mode nth_value range_intersect_agg
setweight strip ts_delete ts_filter ts_rank querytree
datemultirange daterange int4multirange int4range int8multirange int8range multirange nummultirange numrange range_merge
tsmultirange tsrange tstzmultirange tstzrange
hashtext hashtextextended
area isclosed path pclose polygon popen
xml_is_well_formed xml_is_well_formed_content xml_is_well_formed_document
`;

/** Linear functions whose result may be larger than each argument: by a constant factor, or the sum of the arguments. */
const LINEAR_GROWS = `
concat like_escape overlay quote_ident quote_literal quote_nullable similar_escape similar_to_escape unistr
textcat
convert convert_to encode
array_append array_cat array_prepend
array_to_json json_build_array json_build_object json_object json_populate_record json_populate_recordset json_to_record
json_to_recordset jsonb_build_array jsonb_build_object jsonb_concat jsonb_insert jsonb_object jsonb_path_query_array jsonb_path_query_array_tz
jsonb_populate_record jsonb_populate_record_valid jsonb_populate_recordset jsonb_pretty jsonb_set
jsonb_set_lax jsonb_to_record jsonb_to_recordset row_to_json to_json to_jsonb
array_to_tsvector json_to_tsvector jsonb_to_tsvector to_tsvector tsvector_to_array ts_rewrite tsquery_phrase
xml xmlcomment xmltext
`;

/** Aggregates that collect the values of many rows in one. */
const COLLECTS = `
array_agg json_agg json_agg_strict json_object_agg json_object_agg_strict json_object_agg_unique json_object_agg_unique_strict
jsonb_agg jsonb_agg_strict jsonb_object_agg jsonb_object_agg_strict jsonb_object_agg_unique jsonb_object_agg_unique_strict
range_agg string_agg xmlagg
`;

/** Functions whose time is more than linear, that can't be interrupted, or whose result is sized by a number. */
const LIMITED: Record<string, Partial<FunctionCost> & { limits: readonly ArgumentLimit[] }> = {
  // They compare each character with a set, or each position with a needle, and ignore cancels meanwhile.
  translate: { limits: ['long', 'short', 'short'] },
  btrim: { limits: ['longBytes', 'shortBytes'] },
  ltrim: { limits: ['longBytes', 'shortBytes'] },
  rtrim: { limits: ['longBytes', 'shortBytes'] },
  strpos: { limits: ['long', 'short'] },
  position: { limits: ['longBytes', 'shortBytes'] },
  replace: { limits: ['long', 'short', 'short'], grows: true },
  split_part: { limits: ['long', 'short', 'none'] },
  string_to_array: { limits: ['long', 'short'], grows: true },
  string_to_table: { limits: ['long', 'short'], grows: true },
  notlike: { limits: ['longBytes', 'shortBytes'] },
  // Combining marks are sorted by exchanging neighbours, which is quadratic.
  normalize: { limits: ['quadratic', 'none'], grows: true },
  is_normalized: { limits: ['quadratic', 'none'] },
  // libxml2 does not check for cancels.
  xpath: { limits: ['xpath', 'xml', 'any'], grows: true },
  xpath_exists: { limits: ['xpath', 'xml', 'any'] },
  xmlexists: { limits: ['xpath', 'xml'] },
  // They check for cancels while they match.
  regexp_count: { limits: ['text', 'pattern'], interruptible: true },
  regexp_instr: { limits: ['text', 'pattern'], interruptible: true },
  regexp_like: { limits: ['text', 'pattern'], interruptible: true },
  regexp_match: { limits: ['text', 'pattern'], interruptible: true },
  regexp_matches: { limits: ['text', 'pattern'], interruptible: true },
  regexp_replace: { limits: ['long', 'pattern', 'short', 'none'], interruptible: true, grows: true },
  regexp_split_to_array: { limits: ['text', 'pattern'], interruptible: true, grows: true },
  regexp_split_to_table: { limits: ['text', 'pattern'], interruptible: true, grows: true },
  regexp_substr: { limits: ['text', 'pattern'], interruptible: true },
  substring: { limits: ['any', 'any'], interruptible: true },
  // The document is searched once for each word of the query.
  ts_headline: { limits: ['any', 'any', 'any', 'short'], interruptible: true, grows: true },
  // The separator is repeated in the result, once for each element.
  array_to_string: { limits: ['any', 'short'], grows: true },
  concat_ws: { limits: ['short', 'any'], grows: true },
  // Each element of one argument is searched for in the other.
  jsonb_exists_all: { limits: ['list', 'list'] },
  jsonb_exists_any: { limits: ['list', 'list'] },
  jsonb_delete: { limits: ['list'] },
  array_replace: { limits: ['any', 'any', 'sizeShort'], grows: true },
  ts_rank_cd: { limits: ['any'], interruptible: true },
  phraseto_tsquery: { limits: ['pattern'], grows: true },
  plainto_tsquery: { limits: ['pattern'], grows: true },
  to_tsquery: { limits: ['pattern'], grows: true },
  websearch_to_tsquery: { limits: ['pattern'], grows: true },
  // A number decides the size of the result.
  power: { limits: ['none', 'exponent'] },
  pow: { limits: ['none', 'exponent'] },
  factorial: { limits: ['exponent'], interruptible: true },
  repeat: { limits: ['text', 'none'], interruptible: true, result: 'text' },
  lpad: { limits: ['text', 'width', 'short'], result: 'text' },
  rpad: { limits: ['text', 'width', 'short'], result: 'text' },
  format: { limits: ['template', 'any'], grows: true },
  array_fill: { limits: ['sizeShort', 'dimensions', 'none'], grows: true },
  numeric: { limits: ['number', 'none'] },
  to_char: { limits: ['none', 'pattern'] },
  to_date: { limits: ['short', 'pattern'] },
  to_number: { limits: ['pattern', 'pattern'] },
  to_timestamp: { limits: ['none', 'pattern'] },
};

const split = (names: string): string[] => names.split(/\s+/).filter((name) => name !== '');

const costs = new Map<string, FunctionCost>();
const add = (names: string, cost: Omit<FunctionCost, 'interruptible'>): void => {
  for (const name of split(names)) costs.set(name, { interruptible: false, ...cost });
};
add(CONSTANT, { cost: 'constant', limits: ['none'], grows: false, result: null });
add(LINEAR, { cost: 'linear', limits: ['any'], grows: false, result: null });
add(LINEAR_GROWS, { cost: 'linear', limits: ['any'], grows: true, result: null });
add(COLLECTS, { cost: 'linear', limits: ['any'], grows: false, result: 'any' });
for (const [name, cost] of Object.entries(LIMITED))
  costs.set(name, { cost: 'superlinear', interruptible: false, grows: false, result: null, ...cost });

/** The cost of each function that a query may call. */
export const FUNCTION_COSTS: ReadonlyMap<string, FunctionCost> = costs;

export const ALLOWED_FUNCTIONS: ReadonlySet<string> = new Set(costs.keys());
