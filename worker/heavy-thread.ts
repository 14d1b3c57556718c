/** The entry of the worker's threads: exports the tasks by name. No task opens a connection. */
import { tasks } from '../activities/heavy-work.ts';

export const { editGraph, renderState, diffGraphs, readCanvas } = tasks;
export { fitMessages } from '../llm/context/fit-task.ts';
export { checkSqlSyntax } from '../db/sql-sandbox/syntax-task.ts';
