/** The demo's questions about a project: for each the tools that answer it, and the answer made from their results. */
import type { JsonObject } from '../../domain/text/json-value.ts';
import type { ModelMessage } from '../types.ts';

interface Step {
  text: string;
  calls: { name: string; arguments: JsonObject }[];
}
type Result = JsonObject & { error?: string; hint?: string };

const MAX_LISTED = 20;

/** The next step for a question about the project, given the results so far; null for any other message. */
export function answerQuestion(message: string, results: readonly ModelMessage[]): Step | null {
  const question = QUESTIONS.find(({ pattern }) => pattern.test(message));
  if (!question) return null;
  const read = results.map((result) => readResult(result.content));
  const match = question.pattern.exec(message)!;
  const failed = results.findIndex((result) => result.role === 'tool' && result.isError);
  if (failed >= 0 && read[failed]!.status === undefined)
    return say(`That did not work: ${[read[failed]!.error, read[failed]!.hint].filter(Boolean).join(' ')}`);
  return question.answer(match, read);
}

const say = (text: string): Step => ({ text, calls: [] });
const call = (text: string, name: string, args: JsonObject): Step => ({
  text,
  calls: [{ name, arguments: args }],
});
const list = (value: unknown): JsonObject[] => (Array.isArray(value) ? (value as JsonObject[]) : []);
const text = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';

const QUESTIONS: readonly { pattern: RegExp; answer: (match: RegExpExecArray, results: Result[]) => Step }[] =
  [
    {
      pattern: /\b(?:what|which|list|show)\b.{0,40}\btables?\b/i,
      answer: (_match, [schema]) => {
        if (!schema) return call('I look at the database.', 'get_db_schema', {});
        const tables = list(schema.tables).slice(0, MAX_LISTED);
        if (tables.length === 0) return say('The database has no tables in `public` yet.');
        const lines = tables.map((table) => {
          const columns = list(table.columns).map((column) => text(column.name));
          return `- **${text(table.name)}**${columns.length > 0 ? ` (${columns.join(', ')})` : ''}`;
        });
        return say(`You have ${text(schema.total)} tables:\n${lines.join('\n')}`);
      },
    },
    {
      pattern: /\bhow many\b.{0,30}\borders\b/i,
      answer: (_match, [found]) => {
        if (!found)
          return call('I count them.', 'execute_public_sql', {
            sql: "select count(*) as orders, coalesce(sum(total), 0) as total from orders where ordered_at >= now() - interval '7 days'",
          });
        const [row] = Array.isArray(found.rows) ? (found.rows as unknown[][]) : [];
        return say(
          `There were **${text(row?.[0])} orders** in the last 7 days, worth ${text(row?.[1])} in total.`,
        );
      },
    },
    {
      pattern: /\bwhy\b.{0,40}\b(?:fail|failed|fails|broke|break)\b/i,
      answer: (_match, [runs, run]) => {
        if (!runs)
          return call('I look at the last runs.', 'get_workflow_run_logs', { status: 'failed', limit: 1 });
        const [failed] = list(runs.runs);
        if (!failed) return say('No run of this workflow has failed.');
        if (!run)
          return call('I read its logs.', 'get_workflow_run_logs', {
            execution_id: text(failed.execution_id),
          });
        const block = list(run.blocks).find((log) => log.status === 'error');
        const name = text(block?.block) || text(failed.failing_block) || 'an unknown block';
        return say(
          `The last failed run stopped at **${name}**: ${text(block?.error) || text(failed.error) || 'no error was logged'}`,
        );
      },
    },
    {
      pattern:
        /\b(?:create|make|set up)\b.{0,30}\bagent\b.{0,20}\b(?:called|named)\s+["']?([\p{L}\p{N}_ -]{1,60}?)["']?\s*[.!]?\s*$/iu,
      answer: (match, [settled]) => {
        const name = match[1]!;
        if (!settled)
          return call(`I'll create the agent ${name}, once you confirm it.`, 'manage_project_asset', {
            action: 'create',
            kind: 'agent',
            data: {
              name,
              model: 'gpt-5.2',
              system_prompt: `You are ${name}. Answer briefly and helpfully.`,
            },
          });
        switch (settled.status) {
          case 'created':
            return say(`The agent **${name}** is there now. Its prompt is a first draft.`);
          case 'rejected':
            return say(
              `You did not confirm it, so I created nothing.${settled.reason ? ` Your reason: ${text(settled.reason)}` : ''}`,
            );
          case 'expired':
            return say('Nobody confirmed it in time, so nothing was created.');
          default:
            return say(`Nothing was created: ${text(settled.reason) || text(settled.error)}`);
        }
      },
    },
    {
      pattern:
        /\b(?:what|which|list|show)\b.{0,40}\b(agents|knowledge bases|sources|orchestrations|workflows)\b/i,
      answer: (match, [found]) => {
        const kind = match[1]!.toLowerCase().replace(' ', '_');
        if (!found) return call('I look around the project.', 'list_project_assets', { kinds: [kind] });
        const page = (found[kind] ?? {}) as JsonObject;
        const items = list(page.items).slice(0, MAX_LISTED);
        if (items.length === 0) return say(`The project has no ${match[1]!.toLowerCase()} yet.`);
        const lines = items.map(
          (item) => `- **${text(item.name)}**${item.model ? ` on ${text(item.model)}` : ''}`,
        );
        return say(`The project has ${text(page.total)} ${match[1]!.toLowerCase()}:\n${lines.join('\n')}`);
      },
    },
    {
      pattern:
        /\b(?:show|details of|tell me about)\b.{0,20}\b(agent|knowledge base|orchestration)\s+["']?([\p{L}\p{N}_ -]{1,60}?)["']?\s*[?.!]?\s*$/iu,
      answer: (match, [found]) => {
        const kind = match[1]!.toLowerCase().replace(' ', '_');
        if (!found) return call('I look it up.', 'get_asset_details', { kind, id: match[2]! });
        const about = text(found.system_prompt) || text(found.description) || text(found.strategy);
        return say(
          `**${text(found.name)}**${found.model ? ` runs on ${text(found.model)}` : ''}${about ? `: ${about}` : '.'}`,
        );
      },
    },
  ];

/** The JSON object inside a tool result's fence. */
function readResult(content: string): Result {
  try {
    return JSON.parse(content.slice(content.indexOf('{'), content.lastIndexOf('}') + 1)) as Result;
  } catch {
    return { error: 'the result can not be read.' };
  }
}
