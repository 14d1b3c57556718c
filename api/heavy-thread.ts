/** The entry of the API's threads: the tasks by name. Nothing here opens a connection. */
export { diffGraphTexts } from '../domain/graph/diff-graph.ts';
export { planRevertTexts } from './graphs/plan-revert.ts';
