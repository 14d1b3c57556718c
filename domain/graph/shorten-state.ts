/**
 * Writes the workflow state for a model: JSON text of bounded size, with secrets hidden. A config over 2,000 characters is
 * cut. When the text is still too long, the longest configs are cut further. When it is too long even without configs, only
 * the blocks nearest to those that the message names are kept, with the edges between them.
 */
import type { Block, Edge, Graph } from './graph.ts';
import { hideSecrets } from '../text/hide-secrets.ts';

export const MAX_STATE_CHARS = 50_000;
export const MAX_CONFIG_CHARS = 2_000;
export const TRUNCATED = '... [truncated]';
const MAX_SHOWN_CHARS = 200;
const MIN_BLOCK_CHARS = '{"id":"","name":"","type":""}'.length;
/** How much of a name and of the message is compared. The beginning of a name is enough to find it. */
const COMPARED_NAME_CHARS = 100;
const COMPARED_MESSAGE_CHARS = 64_000;

/** Renders the state in at most `maxChars` characters (UTF-16 units). */
export function renderWorkflowState(input: {
  graph: Graph;
  message: string;
  maxChars?: number;
  maxConfigChars?: number;
}): string {
  const { graph, message, maxChars = MAX_STATE_CHARS, maxConfigChars = MAX_CONFIG_CHARS } = input;
  // Hidden and rendered once, because shed() tries many lengths.
  const texts = new Map(graph.blocks.map((block) => [block, configText(block)]));
  const configs = new Map(
    graph.blocks.map((block) => [block, shortConfig(texts.get(block)!, maxConfigChars)]),
  );
  const full = render(graph.blocks, graph.edges, configs, null);
  if (full.length <= maxChars) return full;

  const bare = render(graph.blocks, graph.edges, null, null);
  if (bare.length <= maxChars) return shed(graph, texts, configs, maxChars);
  return nearest(graph, message, maxChars);
}

/** The config as JSON text without secrets: the model must not see a webhook's secret or a key in a header. */
function configText(block: Block): string {
  return JSON.stringify(hideSecrets(block.config));
}

/** The config's JSON text. A text that is too long becomes a JSON string of its first part. */
function shortConfig(text: string, maxConfigChars: number): string {
  return text.length <= maxConfigChars ? text : JSON.stringify(`${cut(text, maxConfigChars)}${TRUNCATED}`);
}

/** The first `chars` characters, without half a surrogate pair at the end. */
function cut(text: string, chars: number): string {
  return text.slice(0, chars).replace(/[\uD800-\uDBFF]$/, '');
}

function renderBlock(block: Block, config: string | null): string {
  const { id, name, type, position, enabled } = block;
  const head = JSON.stringify({
    id,
    name,
    type,
    ...(config === null ? {} : { position }),
    ...(enabled ? {} : { enabled }),
  });
  return config === null ? head : `${head.slice(0, -1)},"config":${config}}`;
}

function render(
  blocks: readonly Block[],
  edges: readonly Edge[],
  configs: ReadonlyMap<Block, string> | null,
  leftOut: { blocks: number; edges: number } | null,
): string {
  const nodes = blocks.map((block) => renderBlock(block, configs?.get(block) ?? null)).join(',\n');
  const note = leftOut === null ? '' : `,"left_out":${JSON.stringify(leftOut)}`;
  return `{"nodes":[\n${nodes}\n],"edges":${JSON.stringify(edges)}${note}}`;
}

/** Cuts all configs above a length to that length. Searches the greatest length with which the text fits. */
function shed(
  graph: Graph,
  texts: ReadonlyMap<Block, string>,
  configs: ReadonlyMap<Block, string>,
  maxChars: number,
): string {
  const render1 = (limit: number): string =>
    render(
      graph.blocks,
      graph.edges,
      new Map(
        graph.blocks.map((block) => {
          const text = configs.get(block)!;
          return [
            block,
            text.length <= limit
              ? text
              : shortConfig(texts.get(block)!, Math.max(0, Math.floor(limit / 2) - 20)),
          ];
        }),
      ),
      null,
    );
  let low = 0;
  let high = [...configs.values()].reduce((most, text) => Math.max(most, text.length), 0);
  let best: string | null = null;
  while (low <= high) {
    const limit = Math.floor((low + high) / 2);
    const text = render1(limit);
    if (text.length <= maxChars) {
      best = text;
      low = limit + 1;
    } else high = limit - 1;
  }
  return best ?? render(graph.blocks, graph.edges, null, null);
}

/** Renders as many blocks as fit, those nearest to the blocks that the message names, with the edges between them. */
function nearest(graph: Graph, message: string, maxChars: number): string {
  const order = byNearness(graph, message);
  const short = (block: Block): Block => ({
    ...block,
    id: label(block.id),
    name: label(block.name),
    type: label(block.type),
  });
  const attempt = (count: number): string => {
    const kept = order.slice(0, count);
    const ids = new Set(kept.map((block) => block.id));
    const edges = graph.edges
      .filter((edge) => ids.has(edge.source) && ids.has(edge.target))
      .map((edge) => ({
        ...edge,
        source: label(edge.source),
        target: label(edge.target),
        ...(edge.sourceHandle === undefined ? {} : { sourceHandle: label(edge.sourceHandle) }),
      }));
    return render(kept.map(short), edges, null, {
      blocks: graph.blocks.length - kept.length,
      edges: graph.edges.length - edges.length,
    });
  };
  let low = 0;
  // Every block takes at least its keys, so more blocks than this can't fit and need not be tried.
  let high = Math.min(order.length, Math.ceil(maxChars / MIN_BLOCK_CHARS));
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (attempt(middle).length <= maxChars) low = middle;
    else high = middle - 1;
  }
  return attempt(low);
}

function label(text: string): string {
  return text.length <= MAX_SHOWN_CHARS ? text : `${cut(text, MAX_SHOWN_CHARS)}${TRUNCATED}`;
}

function byNearness(graph: Graph, message: string): Block[] {
  const isNamed = nameFinder(message);
  const distance = new Map<string, number>();
  const queue: string[] = [];
  for (const block of graph.blocks) {
    if (isNamed(block.name)) {
      distance.set(block.id, 0);
      queue.push(block.id);
    }
  }
  const beside = new Map<string, string[]>();
  for (const { source, target } of graph.edges) {
    for (const [from, to] of [
      [source, target],
      [target, source],
    ] as const) {
      const list = beside.get(from);
      if (list) list.push(to);
      else beside.set(from, [to]);
    }
  }
  for (const id of queue) {
    for (const next of beside.get(id) ?? []) {
      if (distance.has(next)) continue;
      distance.set(next, distance.get(id)! + 1);
      queue.push(next);
    }
  }
  const far = Number.MAX_SAFE_INTEGER;
  return [...graph.blocks].sort((a, b) => (distance.get(a.id) ?? far) - (distance.get(b.id) ?? far));
}

/**
 * Returns a function that tells whether a text contains a name. It looks the name up in the sorted suffixes of the text, so
 * a thousand names cost little even when they share a long prefix.
 */
function nameFinder(text: string): (name: string) => boolean {
  const words = text.slice(0, COMPARED_MESSAGE_CHARS).toLowerCase();
  const starts = new Set<string>();
  for (let at = 0; at < words.length; at++) starts.add(words.slice(at, at + COMPARED_NAME_CHARS));
  const sorted = [...starts].sort();
  return (name) => {
    const wanted = name.trim().toLowerCase().slice(0, COMPARED_NAME_CHARS);
    if (wanted === '') return false;
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return sorted[low]?.startsWith(wanted) ?? false;
  };
}
