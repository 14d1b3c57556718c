/** A workflow for the browser tests, and what they do with the canvas again and again. */
import { randomUUID } from 'node:crypto';
import type { Locator, Page } from 'playwright-core';
import type { Block, Edge } from '../../domain/graph/graph.ts';
import type { TurnSystem } from './turn-system.ts';

export interface PageFlow {
  workflowId: string;
  sessionId: string;
  /** Ids by block name. */
  ids: Record<string, string>;
}

/** Start, Decide and Reply: three blocks, one of them with named outputs, in a workflow with a session. */
export async function makeFlow(system: TurnSystem, name = 'Flow'): Promise<PageFlow> {
  const created = await system.call('POST', '/api/workflows', { name });
  const workflowId = String(created.body.id);
  const ids = { Start: randomUUID(), Decide: randomUUID(), Reply: randomUUID() };
  const blocks: Block[] = [
    block(ids.Start, 'starter', 'Start', 50, { input: { order: 'string' } }),
    block(ids.Decide, 'condition', 'Decide', 250, { branches: [{ expression: '<Start.output.order> > 5' }] }),
    block(ids.Reply, 'response', 'Reply', 450, { output: '<Start.output.order>', status_code: 200 }),
  ];
  const edges: Edge[] = [
    { source: ids.Start, target: ids.Decide },
    { source: ids.Decide, target: ids.Reply, sourceHandle: 'else' },
  ];
  await saveFlow(system, workflowId, { blocks, edges });
  const session = await system.call('POST', '/api/copilot/sessions', { workflow_id: workflowId });
  return { workflowId, sessionId: String(session.body.id), ids };
}

export function block(
  id: string,
  type: string,
  name: string,
  y: number,
  config: Block['config'],
  x = 300,
): Block {
  return { id, type, name, position: { x, y }, config, enabled: true };
}

/** Saves a graph past the page, as another person would. */
export async function saveFlow(
  system: TurnSystem,
  workflowId: string,
  graph: { blocks: Block[]; edges: Edge[] },
): Promise<void> {
  const { status, body } = await system.call('PUT', `/api/workflows/${workflowId}/graph`, graph);
  if (status !== 200) throw new Error(`PUT graph: ${status} ${JSON.stringify(body)}`);
}

/** The graph as the service has it. */
export async function readFlow(
  system: TurnSystem,
  workflowId: string,
): Promise<{ version: number; blocks: Block[]; edges: Edge[] }> {
  const { body } = await system.call('GET', `/api/workflows/${workflowId}`);
  return body as unknown as { version: number; blocks: Block[]; edges: Edge[] };
}

/** A block of the canvas. */
export function blockOf(page: Page, name: string): Locator {
  return page.getByRole('region', { name: 'Canvas' }).getByRole('group', { name, exact: true });
}
