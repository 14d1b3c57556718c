/** Some of the product's tools, made from what these need. */
import { TOOLS } from '../../activities/tools/index.ts';
import { createToolRegistry, type ToolRegistry } from '../../activities/tools/registry.ts';
import type { ToolDeps } from '../../activities/tools/tool.ts';

/** A registry of the tools of these names. `deps` must hold what they use. */
export function productTools(names: readonly string[], deps: Partial<ToolDeps>): ToolRegistry {
  const rows = TOOLS.filter(({ name }) => names.includes(name));
  if (rows.length < names.length) throw new Error(`not all of ${names.join(', ')} are tools`);
  return createToolRegistry(rows, deps as ToolDeps);
}
