/**
 * The real turn control on a real Temporal, with another `start`: it stores the rows of a turn and ends the turn at once, so
 * that thousands of chats need no worker.
 */
import type { Knex } from 'knex';
import { HttpError } from '../../api/http/http-error.ts';
import { createTurnControl } from '../../api/turns/create-turn-control.ts';
import type { TurnControl } from '../../api/turns/turn-control.ts';
import { endTurn } from '../../db/turns/end-turn.ts';
import { insertStartingTurn, promoteTurn } from '../../db/turns/turn.ts';
import { findWorkflow, toGraph } from '../../db/graphs/graphs.ts';
import { catalogueOf, loadConfig } from '../../runtime/config.ts';
import { connectTemporalClient } from '../../runtime/connections.ts';
import { createTemporalIdentity } from '../../db/temporal/temporal-identity.ts';
import { startingTurn } from './starting-turn.ts';
import { silentLogger } from './test-api.ts';

/** Creates the turn control. The caller closes `db`; `close` closes everything else. */
export async function connectStoredTurns(db: Knex): Promise<{ turns: TurnControl; close(): Promise<void> }> {
  const config = loadConfig({});
  const temporal = await connectTemporalClient(
    config.temporal,
    process.env.COPILOT_TEST_TEMPORAL_ADDRESS ?? '',
    silentLogger,
  );
  const control = createTurnControl({
    db,
    client: temporal.client,
    identity: createTemporalIdentity({
      db,
      connection: temporal.client.connection,
      config,
      logger: silentLogger,
    }),
    taskQueue: 'nobody-polls-this',
    catalogue: catalogueOf(config),
    fallbackModel: null,
    promptVersion: 'v2',
    linkToTurn: () => null,
    limits: config.limits,
    budgets: config.budgets,
    eagerStart: false,
    searchAttributes: async () => false,
    diffGraphs: async () => null,
    logger: silentLogger,
  });
  const start: TurnControl['start'] = async ({ session, message, graph, idempotencyKey }) => {
    const workflow = graph ?? toGraph((await findWorkflow(db, session.workflowId))!);
    const place = { sessionId: session.id, workflowId: session.workflowId };
    const inserted = await insertStartingTurn(
      db,
      startingTurn(place, { idempotencyKey, message, graph: JSON.stringify(workflow) }),
    );
    if (!inserted) throw new HttpError(404, 'No copilot session exists with the given ID');
    const { turn, created } = inserted;
    if (!created) {
      if (turn.message !== message)
        throw new HttpError(409, 'Used with another message', { turn_id: turn.id });
      return { turnId: turn.id, attached: true };
    }
    await promoteTurn(db, turn.id);
    await endTurn(db, {
      turnId: turn.id,
      steps: 1,
      outcome: { kind: 'complete', stopReason: 'done' },
      diff: () => Promise.resolve(JSON.stringify({ add_blocks: workflow.blocks })),
    });
    return { turnId: turn.id, attached: false };
  };
  return {
    turns: { ...control, start },
    async close() {
      control.close();
      await temporal.close();
    },
  };
}
