/** The entry of the API's threads: the tasks by name. Nothing here opens a connection. */
export { diffGraphTexts } from './diff-graphs.ts';
export { planRevertTexts } from './plan-revert.ts';
