/** Keeps the workflow bundle, for an image whose workers can't write beside the code. Fails when it could not be kept. */
import { loadWorkflowBundle } from '../worker/bundle-cache.ts';

await loadWorkflowBundle();
// Throws unless the bundle of the call before is found.
await loadWorkflowBundle({
  bundle: () => Promise.reject(new Error('The workflow bundle could not be kept in node_modules/.cache.')),
});
console.log('The workflows are bundled.');
