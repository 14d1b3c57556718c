/** One call of modify_workflow: an edit, a dry run of the graph after it, or both. */
import { z } from 'zod';
import { describeRun } from '../../domain/dry-run/describe-run.ts';
import { runGraph } from '../../domain/dry-run/run-graph.ts';
import { checkTryShape, type TryInput } from '../../domain/dry-run/try-input.ts';
import { isEmptyEdit } from '../../domain/edit/edit-graph.ts';
import { checkEditShape, type GraphEdit } from '../../domain/edit/graph-edit.ts';
import type { Graph } from '../../domain/graph/graph.ts';
import { problem } from '../../domain/rules/finding.ts';
import type { PythonChecker } from '../../domain/rules/python.ts';
import { isObject } from '../../domain/text/json.ts';
import type { Json } from '../../domain/text/json-value.ts';
import { fitResult } from './fit-result.ts';
import { type EditResult, type EditTask, runEdit } from './run-edit.ts';

const values = z.record(z.string(), z.unknown());

/** The argument `try`. */
export const tryArgument = z.object({
  input: values.optional(),
  outputs: values.optional().describe('Of agents, code and APIs, by block name; unknown if left out'),
});

/** Makes a call. A refused edit is not tried. */
export function editAndTry(task: EditTask, python: PythonChecker): EditResult {
  const edit = JSON.parse(task.edit) as Json;
  const tried = isObject(edit) ? (edit.try ?? null) : null;
  if (tried === null) return runEdit(task, python);
  const malformed = checkTryShape(tried);
  if (malformed) {
    const fault = problem('invalid_edit', { block: null, field: malformed.where }, malformed);
    return { result: { applied: false, problems: [fault] }, isError: true };
  }
  const isOnlyTried = checkEditShape(edit) === null && isEmptyEdit(edit as GraphEdit);
  const outcome: EditResult = isOnlyTried
    ? { result: { applied: true, changes: {} }, isError: false }
    : runEdit(task, python);
  if (outcome.isError) return outcome;
  const graph = JSON.parse(outcome.changed?.graph ?? task.graph) as Graph;
  const { project } = task;
  const run = runGraph(
    graph,
    tried as TryInput,
    { python, project },
    outcome.changed?.aliases ?? task.aliases,
  );
  return { ...outcome, result: fitResult({ ...outcome.result, try: describeRun(run) }) };
}
