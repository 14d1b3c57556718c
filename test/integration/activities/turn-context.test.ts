/** What a turn is told of its surroundings, and by which version of the prompt, over whole turns. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createSession } from '../../../db/sessions/sessions.ts';
import { loadTurnContext } from '../../../db/turns/turn-context.ts';
import { insertStartingTurn } from '../../../db/turns/turn.ts';
import { loadSystemPrompt } from '../../../llm/prompt/prompt.ts';
import type { FakeRequest } from '../../support/fake-provider.ts';
import { startingTurn } from '../../support/starting-turn.ts';
import { startTurnSystem, type TurnSystem } from '../../support/turn-system.ts';

let system: TurnSystem;
before(async () => {
  system = await startTurnSystem();
});
after(() => system.close());

const START = {
  id: randomUUID(),
  type: 'starter',
  name: 'Start',
  position: { x: 300, y: 50 },
  config: { input: { city: 'Berlin' } },
  enabled: true,
};
const canvasOf = (blocks: object[], edges: object[] = []) => ({ nodes: blocks, edges });
const inputOf = ({ body }: FakeRequest) => body.input as { role?: string; content?: string }[];
/** The lines of the context in a request; none when there is no context. */
function contextOf(request: FakeRequest): string[] {
  const text = inputOf(request).findLast(({ content }) =>
    content?.includes('from="workflow_state"'),
  )?.content;
  return /from="context">\n([\s\S]*?)\n<\/data-/.exec(text ?? '')?.[1]?.split('\n') ?? [];
}

/** A turn that adds a block of this name behind Start; returns the message and what the first request told. */
async function addBlock(session: { id: string }, name: string, canvas: object) {
  const from = system.fake.requests.length;
  system.scripts.set('Add', (step, _, { message }) =>
    step === 0
      ? {
          toolCalls: [
            {
              name: 'modify_workflow',
              arguments: {
                add_blocks: [
                  {
                    id: 'new',
                    type: 'response',
                    name: message.slice(4),
                    config: { output: '<Start.output>' },
                  },
                ],
                add_edges: [{ source: 'Start', target: 'new' }],
              },
            },
          ],
        }
      : { text: ['Done.'] },
  );
  const { end } = await system.chat(session, { message: `Add ${name}`, workflow_state: canvas });
  assert.equal(end.event, 'complete', JSON.stringify(end));
  return { messageId: String(end.message_id), requests: system.fake.requests.slice(from) };
}

test('a turn is told the time and the workflow; each step begins with the bytes of the one before', async () => {
  const session = await system.newSession();
  const { requests } = await addBlock(session, 'Reply', canvasOf([START]));
  const [first, second] = requests;
  assert.equal(first!.body.instructions, loadSystemPrompt('v2'));
  const [now, workflow, ...more] = contextOf(first!);
  assert.match(now!, /^Now: [A-Z][a-z]+day \d{4}-\d\d-\d\d \d\d:\d\d UTC\./);
  assert.equal(workflow, `Open workflow: "Flow", id ${session.workflowId}.`);
  assert.deepEqual(more, []);
  const shared = inputOf(first!);
  assert.deepEqual(inputOf(second!).slice(0, shared.length), shared);
});

test('the next turn is told what became of the change, and what the user has changed besides', async () => {
  const { call, newSession } = system;
  const session = await newSession();
  const path = `/api/copilot/sessions/${session.id}/messages`;
  const { messageId } = await addBlock(session, 'Reply', canvasOf([START]));

  const left = await addBlock(session, 'Other', canvasOf([START]));
  assert.deepEqual(contextOf(left.requests[0]!).slice(2), [
    'Changes of your earlier turns, newest first:',
    '- +1 block (Reply: response), +1 edge: not applied',
  ]);

  const snapshot = await call('POST', `${path}/${messageId}/snapshot`, { pre_snapshot: canvasOf([START]) });
  assert.equal(snapshot.status, 200);
  const { blocks, edges } = snapshot.body.workflow as { blocks: { name: string }[]; edges: object[] };
  const edited = blocks.map((block) => (block.name === 'Reply' ? { ...block, enabled: false } : block));
  const applied = await addBlock(session, 'Third', canvasOf(edited, edges));
  assert.deepEqual(contextOf(applied.requests[0]!).slice(2), [
    'Changes of your earlier turns, newest first:',
    '- +1 block (Other: response), +1 edge: not applied',
    '- +1 block (Reply: response), +1 edge: applied by the user',
    'Changed by the user since your last turn: added Reply (response, disabled); connected Start to Reply.',
  ]);

  assert.equal((await call('POST', `${path}/${messageId}/revert`, {})).status, 200);
  const undone = await addBlock(session, 'Fourth', canvasOf([START]));
  assert.equal(
    contextOf(undone.requests[0]!).at(5),
    '- +1 block (Reply: response), +1 edge: applied, then undone by the user',
  );
});

test('a client that applies a change by itself has applied it', async () => {
  const session = await system.newSession();
  await addBlock(session, 'Reply', canvasOf([START]));
  const reply = {
    id: 'Reply',
    type: 'response',
    name: 'Reply',
    config: { output: '<Start.output>', status_code: 200 },
  };
  const canvas = canvasOf([START, reply], [{ source: START.id, target: 'Reply' }]);
  const { requests } = await addBlock(session, 'Other', canvas);
  assert.deepEqual(contextOf(requests[0]!).slice(2), [
    'Changes of your earlier turns, newest first:',
    '- +1 block (Reply: response), +1 edge: applied by the user',
    'Changed by the user since your last turn: moved 1 block.',
  ]);
});

test('a turn without a stored version was begun by the first release, and keeps its prompt', async () => {
  const { db, newSession } = system;
  const session = await newSession();
  await db.raw(`
    create function ai.forget() returns trigger language plpgsql as
      'begin new.prompt_version := null; return new; end';
    create trigger forget before insert on ai.copilot_turns for each row execute function ai.forget()`);
  const { requests } = await addBlock(session, 'Reply', canvasOf([START]));
  await db.raw('drop trigger forget on ai.copilot_turns; drop function ai.forget()');
  assert.equal(requests.length, 2);
  for (const request of requests) {
    assert.equal(request.body.instructions, loadSystemPrompt('v1'));
    assert.deepEqual(contextOf(request), []);
  }
});

test('a turn keeps the version that it was started with; one of a later release is read as the newest', async () => {
  const { db, newSession } = system;
  const { workflowId } = await newSession();
  const session = (await createSession(db, { workflowId, ownerSub: null }))!;
  const start = (promptVersion: 'v1' | 'v2') =>
    insertStartingTurn(db, startingTurn({ sessionId: session.id, workflowId }, { promptVersion }));
  for (const version of ['v1', 'v2'] as const) {
    const { id } = (await start(version))!.turn;
    assert.equal((await loadTurnContext(db, id)).promptVersion, version);
    await db.raw('update ai.copilot_turns set prompt_version = ? where id = ?', ['v99', id]);
    assert.equal((await loadTurnContext(db, id)).promptVersion, 'v2');
  }
});
