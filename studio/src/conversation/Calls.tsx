import { memo, useState } from 'react';
import { Icon } from '../design/Icon.tsx';
import { showJson } from '../store/json.ts';
import { LongText } from '../text/LongText.tsx';
import { visibleText } from '../../../client/src/index.ts';
import type { AnswerCall } from './to-answer.ts';

/** So many calls of a finished answer stand for themselves; more are folded. */
const UNFOLDED = 4;

const WORDS: Readonly<Record<string, string>> = {
  modify_workflow: 'Edit the workflow',
  get_block_info: 'Look up block types',
  get_db_schema: 'Read the database schema',
  list_project_assets: 'List project assets',
  get_asset_details: 'Read an asset',
  execute_public_sql: 'Query the database',
  get_workflow_run_logs: 'Read run logs',
  manage_project_asset: 'Change a project asset',
};

const STATES: Readonly<Record<AnswerCall['state'], string>> = {
  running: 'running',
  asking: 'waits for your decision',
  done: 'done',
  failed: 'failed',
  unknown: 'no result',
};

/** A row for each tool call. */
export function Calls({ calls, isRunning }: { calls: readonly AnswerCall[]; isRunning: boolean }) {
  const [isUnfolded, setUnfolded] = useState(false);
  if (calls.length === 0) return null;
  const failed = calls.filter(({ state }) => state === 'failed').length;
  const rows = (
    <ol className="calls" aria-label="Tool calls">
      {calls.map((call) => (
        <CallRow key={call.callId} call={call} />
      ))}
    </ol>
  );
  if (isRunning || calls.length <= UNFOLDED) return rows;
  return (
    <details
      className="calls-fold"
      open={isUnfolded}
      onToggle={(event) => setUnfolded(event.currentTarget.open)}
    >
      <summary>
        {calls.length} tool calls
        {failed > 0 && <span className="problem">, {failed} failed</span>}
      </summary>
      {isUnfolded && rows}
    </details>
  );
}

const CallRow = memo(function CallRow({ call }: { call: AnswerCall }) {
  const [isOpen, setOpen] = useState(false);
  const { name, state, step, result } = call;
  const shownName = visibleText(name);
  return (
    <li className="call" data-state={state}>
      <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <span className="call-mark" aria-hidden="true">
            {state === 'done' && <Icon name="check" size={12} />}
            {(state === 'failed' || state === 'unknown') && <Icon name="warning" size={12} />}
          </span>
          <span className="call-words">
            {Object.hasOwn(WORDS, name) ? WORDS[name] : 'Unknown tool'}{' '}
            <code>
              <bdi>{shownName}</bdi>
            </code>
          </span>
          <span className="call-state">
            {outcomeOf(call) ?? STATES[state]}
            {call.isCut ? ', cut' : ''} · step {step}
          </span>
        </summary>
        {isOpen && (
          <div className="call-body">
            <h4>Arguments</h4>
            <LongText text={showJson(call.arguments)} label={`Arguments of ${shownName}`} />
            <h4>Result{call.isCut ? ', cut to a readable size' : ''}</h4>
            {result === null ? (
              <p className="soft">
                {state === 'running' || state === 'asking'
                  ? 'Not there yet.'
                  : 'There is none: the turn ended before.'}
              </p>
            ) : (
              <LongText text={pretty(result)} label={`Result of ${shownName}`} />
            )}
          </div>
        )}
      </details>
    </li>
  );
});

/** What became of a change that a person was asked about, as the tool's result says. */
function outcomeOf({ name, result }: AnswerCall): string | null {
  if (name !== 'manage_project_asset' || result === null) return null;
  const status = /"status":\s*"(created|updated|deleted|rejected|expired|conflict)"/.exec(result)?.[1];
  return status ?? null;
}

/** JSON up to this size is laid out; it is the service's own, and short, but for stored results of old turns. */
const LAID_OUT_CHARS = 50_000;

function pretty(result: string): string {
  if (result.length > LAID_OUT_CHARS) return result;
  try {
    return JSON.stringify(JSON.parse(result), null, 2);
  } catch {
    return result;
  }
}
