/** The entry of the API's threads: the tasks by name. It opens no connection. */
export { diffGraphTexts } from '../domain/graph/diff-graph.ts';
export { planRevertTexts } from './graphs/plan-revert.ts';
