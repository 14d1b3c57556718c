/**
 * The scripted model that is used while no key is configured. It understands a handful of plain requests and really
 * uses the tools; the same request gives the same answer. It always says that it is the demo. One file, because each
 * request and its answer share the same small parser.
 */
import type { Block, Edge, Graph } from '../../domain/graph/graph.ts';
import type { JsonObject } from '../../domain/text/json-value.ts';
import { answerQuestion } from './demo-questions.ts';
import type { ModelClient, ModelEvent, ModelMessage, ModelRequest, ModelToolCall } from '../types.ts';

const PROVIDER_NOTE = '\n\n_This is the scripted demo model: set OPENAI_API_KEY to talk to a real one._';
const HELP = `I am the demo: a script, not a language model, and I know a few requests. Try one of these:
- "Add a step that sends Slack notifications when the run finishes"
- "Add an agent that summarises the order"
- "Add a condition that checks the total"
- "Rename Summarise to Summary"
- "Remove Notify Slack"
- "Explain this workflow"
- "What tables do I have?"
- "How many orders were there last week?"
- "Why did the last run fail?"
- "What agents do I have?"
- "Create an agent called Support"`;

/** What the demo says and calls in one step. */
interface Step {
  text: string;
  calls: { name: string; arguments: JsonObject }[];
}

/** Creates the demo. `charsPerSecond` is its pace; 0 streams as fast as it is read. */
export function createDemoClient(options: { charsPerSecond: number }): ModelClient {
  return {
    async *stream(request) {
      request.signal.throwIfAborted();
      const step = answer(request);
      const prefix = `call_demo_${request.messages.length}`;
      const calls = step.calls.map((call, index) => ({
        callId: `${prefix}_${index + 1}`,
        name: call.name,
        arguments: JSON.stringify(call.arguments),
      }));
      for await (const delta of paced(step.text, options.charsPerSecond, request.signal)) {
        yield { type: 'text_delta', delta };
      }
      for (const call of calls) {
        yield { type: 'tool_call_started', callId: call.callId, name: call.name };
        yield { type: 'tool_call', call };
      }
      yield { type: 'usage', usage: estimateUsage(request, step.text, calls) };
      yield {
        type: 'finish',
        reason: calls.length > 0 ? 'tool_calls' : 'stop',
        opaque: null,
      } satisfies ModelEvent;
    },
  };
}

/** Decides the next step from the conversation alone. */
function answer(request: ModelRequest): Step {
  const { messages } = request;
  const at = messages.findLastIndex((message) => message.role === 'user');
  const message = messages[at]?.content ?? '';
  const results = messages.slice(at + 1).filter((entry) => entry.role === 'tool');
  const asked = message.length > MAX_MESSAGE_CHARS ? null : answerQuestion(message.trim(), results);
  if (asked) {
    if (asked.calls.length > 0 && request.toolChoice === 'none')
      return { text: `I ran out of steps.${PROVIDER_NOTE}`, calls: [] };
    return asked.calls.length > 0 ? asked : { ...asked, text: asked.text + PROVIDER_NOTE };
  }
  const plan = planOf(message, readGraph(messages[at - 1]));
  if (plan.kind === 'say') return { text: plan.text + PROVIDER_NOTE, calls: [] };

  const failed = results.find((result) => result.isError);
  if (failed) return { text: `That did not work: ${problemOf(failed.content)}${PROVIDER_NOTE}`, calls: [] };
  if (request.toolChoice === 'none') return { text: `I ran out of steps.${PROVIDER_NOTE}`, calls: [] };
  const script: Step[] = [
    ...(plan.lookUp === null
      ? []
      : [
          {
            text: `I'll look up how a ${plan.lookUp} block is configured.`,
            calls: [{ name: 'get_block_info', arguments: { block_types: [plan.lookUp] } }],
          },
        ]),
    { text: plan.intent, calls: [{ name: 'modify_workflow', arguments: plan.edit }] },
    { text: plan.done + PROVIDER_NOTE, calls: [] },
  ];
  return script[Math.min(results.length, script.length - 1)]!;
}

type Plan =
  | { kind: 'say'; text: string }
  | { kind: 'edit'; lookUp: string | null; intent: string; edit: JsonObject; done: string };

/** Longer messages are no plain request; and the patterns below look back, so what they read must be short. */
const MAX_MESSAGE_CHARS = 500;
const MAX_NAME_CHARS = 60;
const MAX_EXPLAINED = 40;

/** Recognises a request. The first pattern that fits wins; more special ones stand first. */
function planOf(request: string, graph: Graph): Plan {
  const message = request.replace(/\s+/g, ' ').trim();
  if (message.length > MAX_MESSAGE_CHARS) return { kind: 'say', text: HELP };
  const rename =
    /\brename\s+(?:the\s+)?(?:block\s+|step\s+)?["']?(.+?)["']?\s+to\s+["']?([^"'.]+?)["']?\s*[.!]?\s*$/i.exec(
      message,
    );
  if (rename) {
    const [, from, to] = rename as unknown as [string, string, string];
    return {
      kind: 'edit',
      lookUp: null,
      intent: `I'll rename ${from} to ${to}.`,
      edit: { update_blocks: [{ id: from, name: to }] },
      done: `I renamed **${from}** to **${to}**; everything that refers to it follows.`,
    };
  }
  const remove =
    /\b(?:remove|delete)\s+(?:the\s+)?(?:block\s+|step\s+)?["']?(.+?)["']?(?:\s+(?:block|step))?\s*[.!]?\s*$/i.exec(
      message,
    );
  if (remove) return planRemove(graph, remove[1]!);
  if (/\b(?:add|create|insert|put)\s+(?:(?:an?|another|the|new)\s+)*agent\b/i.test(message)) {
    return planAgent(graph, message);
  }
  const adds = /\b(add|create|insert|send|notify|put)\b/i.test(message);
  if (adds && /\bslack\b/i.test(message)) return planSlack(graph);
  if (adds && /\b(condition|branch|if|check)\b/i.test(message)) return planCondition(graph);
  if (adds && /\bagent\b/i.test(message)) return planAgent(graph, message);
  if (/\b(explain|describe|what does|how does|walk me through|summari[sz]e)\b/i.test(message)) {
    return { kind: 'say', text: explain(graph) };
  }
  return { kind: 'say', text: HELP };
}

function planSlack(graph: Graph): Plan {
  const name = freeName(graph, 'Notify Slack');
  const end = lastBlock(graph);
  const text = end ? `Run finished: <${end.name}.output>` : 'Run finished';
  return {
    kind: 'edit',
    lookUp: 'general_api',
    intent: `I'll add an HTTP request to Slack${end ? ` after ${end.name}` : ''}.`,
    edit: {
      add_blocks: [
        {
          id: 'notify',
          type: 'general_api',
          name,
          config: {
            url: 'https://hooks.slack.com/services/your-workspace/your-channel/your-token',
            method: 'POST',
            body_type: 'json',
            body: { text },
          },
        },
      ],
      ...connect(graph, end, 'notify'),
    },
    done: `I added **${name}**, an HTTP request that posts to Slack${end ? ` after **${end.name}**` : ''}. Put the address of your Slack incoming webhook into its \`url\`.`,
  };
}

function planAgent(graph: Graph, message: string): Plan {
  const task =
    /\bagent\b\s+(?:that|which|who|to)\s+(.+?)\s*[.!]?\s*$/i.exec(message)?.[1] ?? 'helps with the request';
  const called =
    /\b(?:called|named)\s+["']?([\p{L}\p{N}_ -]+?)["']?(?:\s+(?:that|which|to)\b|[.!]?\s*$)/iu.exec(
      message,
    )?.[1];
  const name = freeName(graph, called ?? titleOf(task));
  const end = lastBlock(graph);
  return {
    kind: 'edit',
    lookUp: 'agent',
    intent: `I'll add an agent${end ? ` after ${end.name}` : ''}.`,
    edit: {
      add_blocks: [
        {
          id: 'agent',
          type: 'agent',
          name,
          config: {
            model: 'gpt-5.2',
            system_prompt: `You are an agent that ${task}. Be brief.`,
            input: end ? `<${end.name}.output>` : 'Hello',
          },
        },
      ],
      ...connect(graph, end, 'agent'),
    },
    done: `I added the agent **${name}**${end ? ` after **${end.name}**` : ''}. Its task: ${task}. The prompt is a first draft: adjust it to your case.`,
  };
}

function planCondition(graph: Graph): Plan {
  const name = freeName(graph, 'Check');
  const end = lastBlock(graph);
  return {
    kind: 'edit',
    lookUp: 'condition',
    intent: `I'll add a condition${end ? ` after ${end.name}` : ''}.`,
    edit: {
      add_blocks: [
        {
          id: 'check',
          type: 'condition',
          name,
          config: { branches: [{ expression: end ? `<${end.name}.output> != ""` : 'true' }] },
        },
      ],
      ...(end ? { add_edges: [edgeFrom(graph, end, 'check')] } : {}),
    },
    done: `I added the condition **${name}**${end ? ` after **${end.name}**` : ''}. Change its expression to your rule, and connect its \`if\` and \`else\` branches.`,
  };
}

function planRemove(graph: Graph, name: string): Plan {
  const block = graph.blocks.find((other) => other.name.toLowerCase() === name.toLowerCase());
  const before = block ? graph.edges.filter((edge) => edge.target === block.id) : [];
  const after = block ? graph.edges.filter((edge) => edge.source === block.id) : [];
  // A block in a row is taken out of it; where ways meet or part, closing the gap is the user's decision.
  const bridge =
    before.length === 1 && after.length === 1 ? [{ ...before[0]!, target: after[0]!.target }] : [];
  return {
    kind: 'edit',
    lookUp: null,
    intent: `I'll remove ${block?.name ?? name}.`,
    edit: {
      remove_blocks: [block?.id ?? name],
      ...(bridge.length > 0 ? { add_edges: bridge.map(toJson) } : {}),
    },
    done: `I removed **${block?.name ?? name}**${bridge.length > 0 ? ' and connected its neighbours' : ''}.`,
  };
}

function explain(graph: Graph): string {
  if (graph.blocks.length === 0) return 'The workflow is empty: it has no blocks yet.';
  const names = new Map(graph.blocks.map((block) => [block.id, block.name]));
  const lines = graph.blocks.slice(0, MAX_EXPLAINED).map((block) => {
    const next = graph.edges
      .filter((edge) => edge.source === block.id)
      .map(
        (edge) =>
          `${names.get(edge.target) ?? edge.target}${edge.sourceHandle ? ` (${edge.sourceHandle})` : ''}`,
      );
    return `- **${block.name}** (${block.type})${next.length > 0 ? `, then ${next.join(', ')}` : ''}`;
  });
  const more = graph.blocks.length - lines.length;
  if (more > 0) lines.push(`- and ${more} more`);
  return `This workflow has ${graph.blocks.length} blocks and ${graph.edges.length} edges:\n${lines.join('\n')}`;
}

/** The block after which a new step goes: the last one on the way from the trigger that is no response. */
function lastBlock(graph: Graph): Block | null {
  const blocks = new Map(graph.blocks.map((block) => [block.id, block]));
  let block =
    graph.blocks.find((other) => other.type === 'starter' || other.type === 'webhook') ?? graph.blocks[0];
  const seen = new Set<string>();
  while (block && !seen.has(block.id)) {
    seen.add(block.id);
    const { id } = block;
    const next: Block | undefined = graph.edges
      .filter((edge) => edge.source === id)
      .map((edge) => blocks.get(edge.target))
      .find((other) => other !== undefined && other.type !== 'response' && !seen.has(other.id));
    if (!next) break;
    block = next;
  }
  return block ?? null;
}

/** Edges that put a new block between the last step and the responses that followed it. */
function connect(graph: Graph, end: Block | null, id: string): JsonObject {
  if (!end) return {};
  const names = new Map(graph.blocks.map((block) => [block.id, block]));
  const responses = graph.edges.filter(
    (edge) => edge.source === end.id && names.get(edge.target)?.type === 'response',
  );
  const branching = end.type === 'condition' || end.type === 'split';
  if (branching || responses.length === 0) return { add_edges: [edgeFrom(graph, end, id)] };
  return {
    remove_edges: responses.map(toJson),
    add_edges: [
      { source: end.id, target: id },
      ...responses.map((edge) => ({ source: id, target: edge.target })),
    ],
  };
}

function toJson(edge: Edge): JsonObject {
  return { ...edge };
}

/** An edge to a new block; out of a branching block by its first handle that is free. */
function edgeFrom(graph: Graph, end: Block, target: string): JsonObject {
  const used = new Set(graph.edges.filter((edge) => edge.source === end.id).map((edge) => edge.sourceHandle));
  const handles = end.type === 'condition' ? ['if', 'else'] : end.type === 'split' ? ['1', '2'] : [];
  if (handles.length === 0) return { source: end.id, target };
  return { source: end.id, target, sourceHandle: handles.find((handle) => !used.has(handle)) ?? handles[0]! };
}

function freeName(graph: Graph, preferred: string): string {
  const wanted = preferred.slice(0, MAX_NAME_CHARS).trim();
  const taken = new Set(graph.blocks.map((block) => block.name.toLowerCase()));
  let name = wanted;
  for (let n = 2; taken.has(name.toLowerCase()); n++) name = `${wanted} ${n}`;
  return name;
}

/** A block name from the first words of a task: "summarises the order" becomes "Summarises the order". */
function titleOf(task: string): string {
  const words = task
    .replace(/[^\p{L}\p{N}_ -]+/gu, ' ')
    .trim()
    .split(/\s+/)
    .slice(0, 4)
    .join(' ');
  return words === '' ? 'Agent' : words[0]!.toUpperCase() + words.slice(1);
}

/**
 * The canvas as the prompt shows it: in the message before the newest one of the user, who may write a fence as well.
 * A config that was cut is not needed here.
 */
function readGraph(canvas: ModelMessage | undefined): Graph {
  const fenced = /<data-(\w+) from="workflow_state">\n([\s\S]*)\n<\/data-\1>$/.exec(canvas?.content ?? '');
  if (!fenced) return { blocks: [], edges: [] };
  const state = JSON.parse(fenced[2]!) as { nodes: Block[]; edges: Edge[] };
  return { blocks: state.nodes, edges: state.edges };
}

/** The first problem of a refused edit, out of its fence. */
function problemOf(content: string): string {
  try {
    const body = JSON.parse(content.slice(content.indexOf('{'), content.lastIndexOf('}') + 1)) as {
      error?: string;
      problems?: { message: string; hint: string | null }[];
    };
    const first = body.problems?.[0];
    return first
      ? [first.message, first.hint].filter(Boolean).join(' ')
      : (body.error ?? 'the change was refused.');
  } catch {
    return 'the change was refused.';
  }
}

/** The text in pieces of a few characters, at a pace; each piece is due at a time of its own, so delays do not add up. */
async function* paced(text: string, charsPerSecond: number, signal: AbortSignal): AsyncGenerator<string> {
  const startedAt = performance.now();
  let sent = 0;
  for (const piece of text.match(/\s*\S{1,12}/gu) ?? []) {
    sent += piece.length;
    signal.throwIfAborted();
    if (charsPerSecond > 0)
      await delay(startedAt + (sent / charsPerSecond) * 1_000 - performance.now(), signal);
    yield piece;
  }
}

function delay(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 1) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

function estimateUsage(request: ModelRequest, text: string, calls: ModelToolCall[]) {
  const tokens = (chars: number): number => Math.ceil(chars / 4);
  const input = request.messages.reduce(
    (sum, message) => sum + message.content.length,
    request.system.length,
  );
  return {
    inputTokens: tokens(input),
    cachedTokens: 0,
    outputTokens: tokens(text.length + calls.reduce((sum, call) => sum + call.arguments.length, 0)),
    reasoningTokens: 0,
  };
}
