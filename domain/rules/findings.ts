/**
 * Every finding of the rules: its severity and its words. A key is a code; behind a slash it tells several wordings of
 * one code apart. `{name}` is filled in; `{block}` and `{field}` are the place of the finding unless the rule gives others. A
 * message says what is wrong with what, a hint says what to do. Models read these texts, and docs/graph-rules.md lists them.
 */

export type Severity = 'error' | 'warning' | 'info';

/** `error` rejects an edit that introduces the finding. */
interface Words {
  severity: Severity;
  message: string;
  hint: string;
}

export const FINDINGS = {
  agent_id_with_inline: {
    severity: 'error',
    message: '{block} has both agent_id and {field}; at run time {field} is taken from that agent.',
    hint: 'Remove {field} (null), or remove agent_id.',
  },
  'agent_id_with_inline/sampling': {
    severity: 'warning',
    message: '{block} has both agent_id and {field}; at run time {field} is taken from that agent.',
    hint: 'Remove {field} (null), or remove agent_id.',
  },
  ambiguous_name: {
    severity: 'error',
    message: 'Several blocks are named {name}.',
    hint: 'Use the id of the block that you mean: {ids}.',
  },
  branch_without_edge: {
    severity: 'warning',
    message: 'The {handle} branch of {block} leads nowhere.',
    hint: 'Add an edge out of {block} with sourceHandle {handle}, unless nothing is to happen there.',
  },
  code_empty: {
    severity: 'error',
    message: 'The code of {block} is empty.',
    hint: 'Write Python that assigns output, such as: output = input_data["Start"]["output"].',
  },
  code_input: {
    severity: 'warning',
    message: 'The code of {block} uses input, which asks a terminal.',
    hint: 'Read the output of the blocks above from input_data.',
  },
  code_no_output: {
    severity: 'warning',
    message: 'The code of {block} never assigns output.',
    hint: 'Assign the result to output: the blocks below read what output holds.',
  },
  code_not_upstream: {
    severity: 'warning',
    message: '{block} reads {target}, which does not run before it.',
    hint: 'Add the edge {target} -> {block} in the same call, or read a block above {block}: {above}.',
  },
  'code_not_upstream/below': {
    severity: 'warning',
    message: '{block} reads {target}, which runs after it.',
    hint: 'Read a block above {block}: {above}.',
  },
  code_syntax: {
    severity: 'error',
    message: 'The code of {block} is not valid Python: line {line}: {fault}.',
    hint: 'Correct that line and send the whole code again.',
  },
  'code_syntax/reference': {
    severity: 'error',
    message: 'The code of {block} is not valid Python: line {line}: {fault}. {reference} is no Python.',
    hint: 'Write {python} in place of {reference}.',
  },
  'code_syntax/return': {
    severity: 'error',
    message: 'The code of {block} is not valid Python: line {line}: {fault}.',
    hint: 'Write output = in place of return.',
  },
  code_too_long: {
    severity: 'error',
    message: 'The code of {block} is longer than {kb} KB.',
    hint: 'Shorten it, or split the work over several code blocks.',
  },
  code_undefined_name: {
    severity: 'warning',
    message: 'The code of {block} uses {name}, which nothing defines.',
    hint: 'Define {name} before it is used, or leave it out.',
  },
  'code_undefined_name/module': {
    severity: 'warning',
    message: 'The code of {block} uses {name}, which nothing defines.',
    hint: 'Add the line: import {name}',
  },
  'code_undefined_name/nearest': {
    severity: 'warning',
    message: 'The code of {block} uses {name}, which nothing defines.',
    hint: 'Write {nearest} in place of {name}.',
  },
  'code_undefined_name/other_language': {
    severity: 'error',
    message: 'The code of {block} uses {name}, which Python does not have.',
    hint: 'Write {nearest} in place of {name}.',
  },
  code_unknown_block: {
    severity: 'warning',
    message: '{block} refers to {name}, which is no block.',
    hint: '{nearest}Blocks: {blocks}.',
  },
  code_without_output: {
    severity: 'warning',
    message: '{block} reads {given}: what {target} gave is under "output".',
    hint: 'Write {read} in place of {given}.',
  },
  config_too_large: {
    severity: 'error',
    message: 'The config of {block} is larger than {kb} KB.',
    hint: 'Leave out what the block does not need, or let a block load it at run time.',
  },
  'config_too_large/graph': {
    severity: 'error',
    message: 'The workflow {excess}.',
    hint: 'Make configs smaller, or split the work over several workflows.',
  },
  dangling_edge: {
    severity: 'error',
    message: 'The edge {edge} has an end that names no block.',
    hint: 'Remove the edge, or add the missing block.',
  },
  dead_end: {
    severity: 'warning',
    message: 'Nothing follows {block}, so its output is never used.',
    hint: 'Connect {block} to a response or to a block that uses its output.',
  },
  duplicate_edge: {
    severity: 'error',
    message: 'The edge {edge} is there more than once.',
    hint: 'Remove it, and add it once.',
  },
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
    hint: 'Use a free name, such as {free}.',
  },
  'duplicate_name/edge': {
    severity: 'error',
    message: 'An edge goes to or from a block {name} that is not there: the name would connect it.',
    hint: 'Remove that edge first, or choose another name.',
  },
  edge_cycle: {
    severity: 'error',
    message: 'The edges form a cycle: {path}.',
    hint: 'A workflow has no loops: leave out the edge that goes back.',
  },
  edge_into_trigger: {
    severity: 'error',
    message: '{target} is the trigger: no edge goes into it.',
    hint: 'Leave the edge out, or lead it to a block below {target}.',
  },
  edge_out_of_response: {
    severity: 'error',
    message: '{source} is a response and ends the workflow: no edge goes out of it.',
    hint: 'Lead the edge out of a block above {source}.',
  },
  empty_edit: {
    severity: 'error',
    message: 'The call changes nothing.',
    hint: 'Give at least one of add_blocks, update_blocks, remove_blocks, add_edges, remove_edges.',
  },
  expression_syntax: {
    severity: 'error',
    message: 'The expression of {handle} in {block} is no condition: {fault} (at character {at}).',
    hint: '{correction}',
  },
  'expression_syntax/doubtful': {
    severity: 'warning',
    message: 'The expression of {handle} in {block} may not work: {fault} (at character {at}).',
    hint: 'Use these functions: {functions}.',
  },
  field_of_text: {
    severity: 'error',
    message: '{block} reads the field {field} of {target}, whose output is plain text without fields.',
    hint: 'Use <{target}.output>, or take it apart in a code block.',
  },
  'field_of_text/code': {
    severity: 'warning',
    message: '{block} reads the key {field} of {target}, whose output is plain text without keys.',
    hint: 'Parse the text first, such as with json.loads.',
  },
  handle_not_allowed: {
    severity: 'error',
    message: 'The edge {edge} has the sourceHandle {handle}, but {block} has no handles.',
    hint: 'Leave sourceHandle out: only condition and split blocks have handles.',
  },
  handle_required: {
    severity: 'error',
    message: 'The edge {edge} needs a sourceHandle that names a branch of {block}.',
    hint: 'Use one of: {handles}.',
  },
  invalid_config: {
    severity: 'error',
    message: '{field} of {block} {fault}.',
    hint: 'Send a value that fits; get_block_info describes the fields.',
  },
  'invalid_config/body': {
    severity: 'error',
    message: 'body of {block} is no JSON, but its body_type says json.',
    hint: 'Send body as an object, correct the text, or change body_type.',
  },
  'invalid_config/corrected': {
    severity: 'error',
    message: '{field} of {block} {fault}.',
    hint: 'Write: {write}',
  },
  'invalid_config/expression': {
    severity: 'error',
    message: 'The expression of {handle} in {block} is no text.',
    hint: 'Write each branch as {example}.',
  },
  invalid_edit: {
    severity: 'error',
    message: '{where} {fault}.',
    hint: 'Correct that argument and send the whole call again.',
  },
  invalid_name: {
    severity: 'error',
    message: "{name} can't be used in references.",
    hint: 'Rename the block: letters, digits, _, space and - only.',
  },
  'invalid_name/given': {
    severity: 'error',
    message: "{name} can't be used in references: letters, digits, _, space and - only.",
    hint: 'Use a name such as {suggestion}.',
  },
  'invalid_name/nothing_left': {
    severity: 'error',
    message: "{name} can't be used in references: letters, digits, _, space and - only.",
    hint: 'Choose a name of letters and digits.',
  },
  'invalid_name/too_long': {
    severity: 'error',
    message: 'A name has at most {max} characters, and this one has more.',
    hint: 'Choose a shorter name.',
  },
  isolated: {
    severity: 'info',
    message: '{block} is connected to nothing, and would still run.',
    hint: 'Connect {block}, or remove it.',
  },
  locked_field: {
    severity: 'error',
    message: "The type of {block} can't change.",
    hint: 'Remove the block and add one of the other type, in one call.',
  },
  missing_config: {
    severity: 'warning',
    message: '{block} needs {field}, which is not set.',
    hint: 'Set {field}: {description}.',
  },
  'missing_config/branches': {
    severity: 'warning',
    message: '{block} has no branch yet.',
    hint: 'Set branches to a list of {example}.',
  },
  'missing_config/expression': {
    severity: 'warning',
    message: 'The branch {handle} of {block} has no expression yet.',
    hint: 'Write the branch as {example}.',
  },
  no_trigger: {
    severity: 'warning',
    message: 'The workflow has no trigger yet, so nothing starts it.',
    hint: 'Add a starter or a webhook, and connect it.',
  },
  nothing_changed: {
    severity: 'warning',
    message: '{block} is as the update wants it already.',
    hint: 'Leave the update out, or send the value that you meant to change.',
  },
  placeholder: {
    severity: 'warning',
    message: '{name} of {block} holds a placeholder: {word}.',
    hint: 'Set the real value, or tell the user what to fill in.',
  },
  reference_form: {
    severity: 'error',
    message: '{written} in {block} is no reference: it stays in the text as it is.',
    hint: 'Write: {reference}',
  },
  reference_may_be_skipped: {
    severity: 'warning',
    message: '{block} refers to {target}, which runs on some branches only.',
    hint: 'When {target} did not run, the reference itself is sent as text. Give each branch a block of its own, or let a code block read it with a default. Write: {read}',
  },
  'reference_may_be_skipped/code': {
    severity: 'warning',
    message: '{block} reads {target}, which runs on some branches only.',
    hint: 'When {target} did not run, its key is missing and the code fails. Write: {read}',
  },
  'reference_may_be_skipped/condition': {
    severity: 'warning',
    message: '{block} refers to {target}, which runs on some branches only.',
    hint: 'When {target} did not run, the expression counts as false. If that is wrong, let a code block above read it with a default. Write: {read}',
  },
  reference_not_upstream: {
    severity: 'error',
    message: '{block} refers to {target}, which does not run before it.',
    hint: 'Add the edge {target} -> {block} in the same call, or refer to a block above {block}: {above}.',
  },
  'reference_not_upstream/below': {
    severity: 'error',
    message: '{block} refers to {target}, which runs after it.',
    hint: 'Refer to a block above {block}: {above}.',
  },
  reference_to_itself: {
    severity: 'error',
    message: '{block} refers to its own output.',
    hint: 'Refer to a block above {block}: {above}.',
  },
  reference_to_missing_block: {
    severity: 'error',
    message: '{block} refers to {name}, which is no block.',
    hint: '{nearest}Blocks: {blocks}.',
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
    message: '{name} of {block} holds what looks like a secret, or a hidden value.',
    hint: 'Leave it out: a hidden value stays as it is, and a secret is entered by the user in the platform.',
  },
  self_edge: {
    severity: 'error',
    message: "{source} can't be connected to itself.",
    hint: 'Leave the edge out: a workflow has no loops.',
  },
  server_owned_field: {
    severity: 'error',
    message: "{field} of {block} is given by the platform and can't be set.",
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
      'The value of {name} in {block} is its default, not its type: a run that gives none gets the text "{value}".',
    hint: 'Write: {write}',
  },
  unknown_agent: {
    severity: 'error',
    message: '{block} names the agent {id}, which the project does not have.',
    hint: 'Look the agent up with list_project_assets and use its id.',
  },
  unknown_block: {
    severity: 'error',
    message: 'There is no block {ref}.',
    hint: '{known}',
  },
  unknown_block_type: {
    severity: 'error',
    message: 'There is no block type {type}.',
    hint: '{nearest}All types: {all}.',
  },
  unknown_config_key: {
    severity: 'warning',
    message: '{block} is of type {type}, which has no config field {key}.',
    hint: '{nearest}Fields: {fields}.',
  },
  unknown_edge: {
    severity: 'error',
    message: 'There is no edge {edge}.',
    hint: 'Leave it out if it is gone already; otherwise name its ends as the canvas does.',
  },
  'unknown_edge/handles': {
    severity: 'error',
    message: 'There is no edge {edge}.',
    hint: 'Between them are edges with sourceHandle {handles}.',
  },
  unknown_handle: {
    severity: 'error',
    message: '{source} has no handle {handle} for the edge to {target}.',
    hint: '{nearest}Its handles: {handles}. An edge of a branch that goes away must be removed in the same call.',
  },
  unknown_knowledge_base: {
    severity: 'error',
    message: '{block} names the knowledge base {id}, which the project does not have.',
    hint: 'Look the knowledge base up with list_project_assets and use its id.',
  },
  unknown_model: {
    severity: 'error',
    message: '{block} names the model {model}, which does not exist here.',
    hint: '{nearest}All models: {all}.',
  },
  unknown_output_field: {
    severity: 'warning',
    message: '{block} reads the field {field} of {target}, which {target} does not have.',
    hint: '{nearest}Its fields: {fields}.',
  },
  'unknown_output_field/no_inputs': {
    severity: 'warning',
    message: '{block} reads the field {field} of {target}, which {target} does not have.',
    hint: '{target} has no inputs yet: add {field} to its input.',
  },
  unknown_source: {
    severity: 'error',
    message: '{block} names the source {id}, which the project does not have.',
    hint: 'Look the source up with list_project_assets and use its id.',
  },
  unreachable: {
    severity: 'warning',
    message: "{block} can't be reached from the trigger, and would still run.",
    hint: 'Connect {block}, or remove it.',
  },
  url_private_host: {
    severity: 'warning',
    message: 'url of {block} is {host}, a private address.',
    hint: 'Ask the user whether the platform is meant to call it.',
  },
  url_scheme: {
    severity: 'error',
    message: 'url of {block} must begin with https:// or http://.',
    hint: 'Write the whole address.',
  },
  'url_scheme/corrected': {
    severity: 'error',
    message: 'url of {block} must begin with https:// or http://.',
    hint: 'Write: {write}',
  },
  'url_scheme/no_address': {
    severity: 'error',
    message: 'url of {block} is no address.',
    hint: 'Write it like https://host/path.',
  },
  'url_scheme/other': {
    severity: 'error',
    message: 'url of {block} is of scheme {scheme}, which is not called.',
    hint: 'Use an address that begins with https://.',
  },
  url_template_host: {
    severity: 'warning',
    message: 'Data decides which host url of {block} calls.',
    hint: 'Write the host out; references are fine in path and query.',
  },
} as const satisfies Record<string, Words>;
