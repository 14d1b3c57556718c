/**
 * Every finding of the rules: its severity and its words. A key is a code; behind a slash it tells several wordings of
 * one code apart. `{name}` is filled in. Models read these texts, and docs/graph-rules.md lists them.
 */

export type Severity = 'error' | 'warning' | 'info';

/** `error` rejects an edit that introduces the finding. */
interface Words {
  severity: Severity;
  message: string;
  hint: string | null;
}

export const FINDINGS = {
  agent_id_with_inline: {
    severity: 'error',
    message: 'With agent_id, {field} is taken from that agent.',
    hint: 'Remove {field}, or remove agent_id.',
  },
  'agent_id_with_inline/sampling': {
    severity: 'warning',
    message: 'With agent_id, {field} is taken from that agent.',
    hint: 'Remove {field}, or remove agent_id.',
  },
  ambiguous_name: {
    severity: 'error',
    message: 'Several blocks are named {name}.',
    hint: 'Use an id: {ids}',
  },
  branch_without_edge: {
    severity: 'warning',
    message: 'The {handle} branch of {block} leads nowhere.',
    hint: null,
  },
  code_empty: {
    severity: 'error',
    message: 'The code is empty.',
    hint: 'Assign output, such as: output = input_data["Start"]["output"]',
  },
  code_input: {
    severity: 'warning',
    message: 'The code uses input, which asks a terminal.',
    hint: 'Upstream output is in input_data.',
  },
  code_no_output: {
    severity: 'warning',
    message: 'The code never assigns output.',
    hint: 'Blocks below read what it assigns to output.',
  },
  code_not_upstream: {
    severity: 'warning',
    message: '{block} refers to {target}, which does not run before it.',
    hint: 'Add the edge {target} -> {block} in the same call, or refer to a block above: {above}.',
  },
  'code_not_upstream/below': {
    severity: 'warning',
    message: '{block} refers to {target}, which runs after it.',
    hint: 'Refer to a block above {block}: {above}.',
  },
  code_syntax: {
    severity: 'error',
    message: 'Python does not parse this: line {line}: {fault}.',
    hint: null,
  },
  'code_syntax/reference': {
    severity: 'error',
    message: 'Python does not parse this: line {line}: {fault}. {reference} is no Python.',
    hint: 'Write {python} in place of {reference}.',
  },
  'code_syntax/return': {
    severity: 'error',
    message: 'Python does not parse this: line {line}: {fault}.',
    hint: 'Write output = in place of return.',
  },
  code_too_long: { severity: 'error', message: 'Code has at most {kb} KB.', hint: null },
  code_undefined_name: {
    severity: 'warning',
    message: 'The code uses {name}, which nothing defines.',
    hint: 'Define it before it is used.',
  },
  'code_undefined_name/module': {
    severity: 'warning',
    message: 'The code uses {name}, which nothing defines.',
    hint: 'Add the line: import {name}',
  },
  'code_undefined_name/nearest': {
    severity: 'warning',
    message: 'The code uses {name}, which nothing defines.',
    hint: 'Write {nearest} in place of {name}.',
  },
  'code_undefined_name/other_language': {
    severity: 'error',
    message: '{name} is no name of Python.',
    hint: 'Write {nearest} in place of {name}.',
  },
  code_unknown_block: {
    severity: 'warning',
    message: '{block} refers to {name}, which is no block.',
    hint: '{nearest}Blocks: {blocks}',
  },
  'code_unknown_block/spelling': {
    severity: 'warning',
    message: '{block} refers to {name}, which is no block.',
    hint: "A reference can't spell that name: letters, digits, _, space and - only. Rename the block.",
  },
  code_without_output: {
    severity: 'warning',
    message: '{given} is not there: what {target} gave is under "output".',
    hint: 'Write {read} in place of {given}.',
  },
  config_too_large: { severity: 'error', message: "A block's config has at most {kb} KB.", hint: null },
  'config_too_large/graph': {
    severity: 'error',
    message: 'The workflow {excess}.',
    hint: 'Make configs smaller, or split the work over several workflows.',
  },
  dangling_edge: {
    severity: 'error',
    message: 'The edge {edge} has an end that names no block.',
    hint: null,
  },
  dead_end: {
    severity: 'warning',
    message: 'Nothing follows {block}: its output is never used.',
    hint: 'Connect it to a response or an effect.',
  },
  duplicate_edge: { severity: 'error', message: 'The edge {edge} is there already.', hint: null },
  'duplicate_edge/added': {
    severity: 'error',
    message: 'The edge {edge} is there already.',
    hint: 'Leave it out.',
  },
  duplicate_id: {
    severity: 'error',
    message: 'The id {id} names another block already.',
    hint: 'Choose another id, or leave it out.',
  },
  duplicate_name: {
    severity: 'error',
    message: 'Another block is named {name} already.',
    hint: 'A free name: {free}',
  },
  'duplicate_name/edge': {
    severity: 'error',
    message: 'An edge goes to or from a block {name} that is not there: the name would connect it.',
    hint: 'Remove that edge first, or choose another name.',
  },
  edge_cycle: {
    severity: 'error',
    message: 'The edges form a cycle: {path}.',
    hint: 'Data flows one way; leave out the edge that goes back.',
  },
  edge_into_trigger: {
    severity: 'error',
    message: '{target} is the trigger: no edge goes into it.',
    hint: null,
  },
  edge_out_of_response: {
    severity: 'error',
    message: '{source} ends the workflow: no edge goes out of it.',
    hint: null,
  },
  empty_edit: {
    severity: 'error',
    message: 'The call changes nothing.',
    hint: 'Give at least one of add_blocks, update_blocks, remove_blocks, add_edges, remove_edges.',
  },
  expression_syntax: {
    severity: 'error',
    message: 'The expression of {handle} is no condition: {fault} (at character {at}).',
    hint: '{correction}',
  },
  'expression_syntax/doubtful': {
    severity: 'warning',
    message: 'The expression of {handle} may not work: {fault} (at character {at}).',
    hint: 'Functions: {functions}.',
  },
  field_of_text: {
    severity: 'error',
    message: 'The output of {target} is plain text, which has no field {field}.',
    hint: 'Use <{target}.output>, or take it apart in a code block.',
  },
  'field_of_text/code': {
    severity: 'warning',
    message: 'The output of {target} is plain text, which has no key {field}.',
    hint: 'Parse the text first, such as with json.loads.',
  },
  handle_not_allowed: {
    severity: 'error',
    message: 'The edge {edge} must not have a sourceHandle.',
    hint: 'Only condition and split blocks have handles; leave {handle} out.',
  },
  handle_required: {
    severity: 'error',
    message: 'The edge {edge} needs a sourceHandle.',
    hint: 'One of: {handles}',
  },
  invalid_config: { severity: 'error', message: '{field} {fault}.', hint: null },
  'invalid_config/body': {
    severity: 'error',
    message: 'body is no JSON, which body_type says it is.',
    hint: null,
  },
  'invalid_config/expression': {
    severity: 'error',
    message: 'The expression of {handle} must be text.',
    hint: null,
  },
  invalid_edit: { severity: 'error', message: '{where} {fault}.', hint: null },
  invalid_name: {
    severity: 'error',
    message: "{name} can't be used in references.",
    hint: 'Use letters, digits, _, space and - only.',
  },
  'invalid_name/given': {
    severity: 'error',
    message: "{name} can't be used in references: letters, digits, _, space and - only.",
    hint: 'For example: {suggestion}',
  },
  'invalid_name/nothing_left': {
    severity: 'error',
    message: "{name} can't be used in references: letters, digits, _, space and - only.",
    hint: null,
  },
  'invalid_name/too_long': { severity: 'error', message: 'A name has at most {max} characters.', hint: null },
  isolated: { severity: 'info', message: '{block} is connected to nothing.', hint: null },
  locked_field: {
    severity: 'error',
    message: "The type of {block} can't change.",
    hint: 'Remove the block and add one of the other type, in one call.',
  },
  missing_config: { severity: 'warning', message: '{field} is required and not set.', hint: '{description}' },
  'missing_config/branches': { severity: 'warning', message: 'branches has no branch yet.', hint: null },
  'missing_config/expression': {
    severity: 'warning',
    message: 'The branch {handle} has no expression yet.',
    hint: 'Each branch is {example}.',
  },
  no_trigger: {
    severity: 'warning',
    message: 'The workflow has no trigger yet.',
    hint: 'Add a starter or a webhook.',
  },
  nothing_changed: { severity: 'warning', message: '{block} is as the update wants it already.', hint: null },
  placeholder: {
    severity: 'warning',
    message: '{name} holds a placeholder that must be replaced.',
    hint: 'Tell the user what to fill in.',
  },
  reference_form: {
    severity: 'error',
    message: '{written} is no reference: it stays in the text as it is.',
    hint: 'Write: {reference}',
  },
  reference_may_be_skipped: {
    severity: 'warning',
    message: '{block} refers to {target}, which runs on some branches only.',
    hint: 'When {target} did not run, the reference itself is sent as text. Let a code block read it with a default: {read}. Or give each branch a block of its own.',
  },
  'reference_may_be_skipped/code': {
    severity: 'warning',
    message: '{block} reads {target}, which runs on some branches only.',
    hint: 'When {target} did not run, its key is missing and the code fails. Write {read}',
  },
  'reference_may_be_skipped/condition': {
    severity: 'warning',
    message: '{block} refers to {target}, which runs on some branches only.',
    hint: 'When {target} did not run, the expression counts as false. If that is wrong, let a code block above read it with a default: {read}',
  },
  reference_not_upstream: {
    severity: 'error',
    message: '{block} refers to {target}, which does not run before it.',
    hint: 'Add the edge {target} -> {block} in the same call, or refer to a block above: {above}.',
  },
  'reference_not_upstream/below': {
    severity: 'error',
    message: '{block} refers to {target}, which runs after it.',
    hint: 'Refer to a block above {block}: {above}.',
  },
  reference_to_itself: {
    severity: 'error',
    message: '{block} refers to its own output.',
    hint: 'Refer to a block above it: {above}.',
  },
  reference_to_missing_block: {
    severity: 'error',
    message: '{block} refers to {name}, which is no block.',
    hint: '{nearest}Blocks: {blocks}',
  },
  'reference_to_missing_block/spelling': {
    severity: 'error',
    message: '{block} refers to {name}, which is no block.',
    hint: "A reference can't spell that name: letters, digits, _, space and - only. Rename the block.",
  },
  second_trigger: {
    severity: 'error',
    message: 'A workflow has exactly one trigger, and {trigger} is it.',
    hint: 'Change that trigger, or remove it in the same call.',
  },
  secret_literal: {
    severity: 'error',
    message: '{name} holds what looks like a secret, or a hidden value.',
    hint: 'Leave it out: a hidden value stays as it is, and a secret is entered by the user in the platform.',
  },
  self_edge: { severity: 'error', message: "{source} can't be connected to itself.", hint: null },
  server_owned_field: {
    severity: 'error',
    message: "{field} is given by the platform and can't be set.",
    hint: 'Leave {field} out.',
  },
  shortcut_edge: {
    severity: 'warning',
    message: '{block} leads to {target} directly and by way of other blocks.',
    hint: 'Remove the direct edge unless both are meant.',
  },
  too_many_blocks: {
    severity: 'error',
    message: 'A workflow has at most {max} blocks (this one would have {count}).',
    hint: 'Split the work over several workflows.',
  },
  too_many_edges: {
    severity: 'error',
    message: 'A workflow has at most {max} edges (this one would have {count}).',
    hint: 'Split the work over several workflows.',
  },
  type_word_input: {
    severity: 'warning',
    message:
      'The value of {name} is its default, not its type: a run that gives none gets the text "{value}".',
    hint: 'Write: {write}',
  },
  unknown_agent: {
    severity: 'error',
    message: 'The project has no agent with the id {id}.',
    hint: 'Look it up with list_project_assets; use its id.',
  },
  unknown_block: { severity: 'error', message: 'There is no block {ref}.', hint: '{known}' },
  unknown_block_type: {
    severity: 'error',
    message: 'There is no block type {type}.',
    hint: '{nearest}All: {all}.',
  },
  unknown_config_key: {
    severity: 'warning',
    message: '{type} has no config field {key}.',
    hint: '{nearest}Fields: {fields}.',
  },
  unknown_edge: { severity: 'error', message: 'There is no such edge {edge}.', hint: null },
  'unknown_edge/handles': {
    severity: 'error',
    message: 'There is no such edge {edge}.',
    hint: 'Between them: sourceHandle {handles}.',
  },
  unknown_handle: {
    severity: 'error',
    message: '{source} has no handle {handle} for the edge to {target}.',
    hint: 'Its handles: {handles}. An edge of a branch that goes away must be removed in the same call.',
  },
  unknown_knowledge_base: {
    severity: 'error',
    message: 'The project has no knowledge base with the id {id}.',
    hint: 'Look it up with list_project_assets; use its id.',
  },
  unknown_model: { severity: 'error', message: 'There is no model {model}.', hint: '{nearest}All: {all}.' },
  unknown_output_field: {
    severity: 'warning',
    message: '{target} has no output field {field}.',
    hint: '{nearest}Its fields: {fields}.',
  },
  'unknown_output_field/no_inputs': {
    severity: 'warning',
    message: '{target} has no output field {field}.',
    hint: '{target} has no inputs yet: add {field} to its input.',
  },
  unknown_source: {
    severity: 'error',
    message: 'The project has no source with the id {id}.',
    hint: 'Look it up with list_project_assets; use its id.',
  },
  unreachable: {
    severity: 'warning',
    message: "{block} can't be reached from the trigger; it would still run.",
    hint: 'Connect it, or remove it.',
  },
  url_private_host: {
    severity: 'warning',
    message: '{host} is a private address.',
    hint: 'Is it meant to be called from the platform?',
  },
  url_scheme: { severity: 'error', message: 'url must begin with https:// or http://.', hint: null },
  'url_scheme/no_address': { severity: 'error', message: 'url is no address.', hint: null },
  'url_scheme/other': { severity: 'error', message: "url can't be of scheme {scheme}.", hint: null },
  url_template_host: {
    severity: 'warning',
    message: 'Which host is called is decided by data.',
    hint: 'Write the host out; references are fine in path and query.',
  },
} as const satisfies Record<string, Words>;
