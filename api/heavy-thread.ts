/** The entry of the API's threads: the tasks by name. Nothing here opens a connection. */
export { diffGraphTexts } from './graphs/diff-graphs.ts';
export { planRevertTexts } from './graphs/plan-revert.ts';
