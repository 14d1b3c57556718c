/** Reads the tool calls of turns from their transcripts. */
import type { Knex } from 'knex';
import { isObject } from '../../domain/text/json.ts';
import { rowsOf } from '../connection/sql-rows.ts';

export interface ToolCallRecord {
  callId: string;
  name: string;
  /** JSON text as the model wrote it. */
  arguments: string;
  result: string | null;
  isError: boolean;
  step: number;
}

interface TranscriptRow {
  turn_id: string;
  step: number;
  role: 'assistant' | 'tool';
  body: string;
}

/** The calls of each turn, in order, with their results. A transcript row that can't be parsed is left out. */
export async function listToolCalls(db: Knex, turnIds: string[]): Promise<Map<string, ToolCallRecord[]>> {
  const records = new Map<string, ToolCallRecord[]>();
  if (turnIds.length === 0) return records;
  const rows = await rowsOf<TranscriptRow>(
    db,
    `select turn_id, step, role, body from ai.copilot_transcript where turn_id = any(?::uuid[]) and role <> 'summary'
     order by turn_id, step, position`,
    [turnIds],
  );
  for (const row of rows) {
    const list = records.get(row.turn_id) ?? [];
    records.set(row.turn_id, list);
    const body = parseBody(row.body);
    if (row.role === 'assistant') list.push(...toCalls(body.toolCalls, row.step));
    else {
      const record = list.find((call) => call.callId === body.callId && call.step === row.step);
      if (record && typeof body.content === 'string')
        Object.assign(record, { result: body.content, isError: body.isError === true });
    }
  }
  return records;
}

/** Parses a transcript body. Any release may have written it, so a body of unknown shape becomes an empty object. */
function parseBody(text: string): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(text);
    return isObject(body) ? body : {};
  } catch {
    return {};
  }
}

function toCalls(value: unknown, step: number): ToolCallRecord[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((call: unknown) => {
    if (!isObject(call)) return [];
    const { callId, name, arguments: text } = call;
    if (typeof callId !== 'string' || typeof name !== 'string') return [];
    return [
      {
        callId,
        name,
        arguments: typeof text === 'string' ? text : '',
        result: null,
        isError: false,
        step,
      },
    ];
  });
}
