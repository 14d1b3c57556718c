/** Claims on the steps and calls of a turn. Only the newest claim of a key may write. */
import type { Knex } from 'knex';
import type { TurnEvent } from '../../contracts/events.ts';
import { rowsOf } from '../connection/sql-rows.ts';
import { appendLocked } from '../events/append-events.ts';
import { type Fence, FencedError, TurnGoneError } from '../fence.ts';
import { forgetFailures } from './claim-counts.ts';
import { promoteTurn } from './turn.ts';
import { insertUsage, LOST_ATTEMPT } from './usage-rows.ts';

export interface Claim {
  fence: Fence;
  /** The result that an earlier attempt stored under this key, or null. With a result, nothing is left to do. */
  stored: string | null;
  /** How many workers were lost with this call. */
  deaths: number;
  /** Whether an earlier claim of the key has shown text or reasoning. */
  wasShown: boolean;
}

/**
 * Claims the work that a key names. The first claim of a key appends `onFirst`. A later claim fences off all earlier ones;
 * when text of the key was already shown, it also appends a content_reset to `textBefore()`. When a result is stored, it is
 * returned and nothing is appended.
 *
 * `bill` is given for a model call. The provider may have billed the attempt before this one, so a usage row notes it. When
 * `bill.model` is not the turn's model, it becomes the turn's model: `onSwitch` is appended and the counts of the call begin
 * again.
 *
 * An earlier claim whose holder did not report its end counts as a death: a worker was lost. The death is not counted
 * against this call when the same worker held another call with more deaths, because that call is then the likely cause.
 * `over` is the epoch of the last claim whose end was reported to Temporal. While the database is away, Temporal has the
 * only report.
 *
 * Throws TurnGoneError when the turn does not exist, TurnOverError when it has ended.
 */
export async function claimWork(
  db: Knex,
  input: {
    turnId: string;
    key: string;
    step: number;
    onFirst: TurnEvent[];
    textBefore: (trx: Knex) => Promise<string>;
    bill?: { step: number; model?: string | undefined; onSwitch: (from: string, to: string) => TurnEvent[] };
    /** An id of the claiming process. */
    holder: string;
    over: number | null;
  },
): Promise<Claim> {
  const { turnId, key } = input;
  return db.transaction(async (trx) => {
    const claims = await rowsOf<{
      epoch: number;
      deaths: number;
      was_shown: boolean;
      was_idle: boolean | null;
      stored: string | null;
    }>(
      trx,
      `insert into ai.copilot_turn_claims as c (turn_id, key, epoch, holder)
       select id, ?, 1, ?::uuid from ai.copilot_turns where id = ?
       on conflict (turn_id, key) do update set epoch = c.epoch + 1, written = 0, idle = false,
         holder = excluded.holder, lost_holder = coalesce(c.holder, c.lost_holder),
         deaths = c.deaths + case
           when c.holder is null or c.epoch = ?::int then 0
           when exists (
             select 1 from ai.copilot_turns t join ai.copilot_turn_claims o on o.turn_id = t.id
             where t.status = 'running' and (o.turn_id, o.key) <> (c.turn_id, c.key)
               and (o.holder = c.holder and o.deaths > c.deaths
                 or o.lost_holder = c.holder and o.deaths - 1 > c.deaths)
           ) then 0
           else 1
         end
       returning c.epoch, c.deaths, c.text_shown as was_shown,
         (select o.idle from ai.copilot_turn_claims o where o.turn_id = c.turn_id and o.key = c.key) as was_idle,
         (select body from ai.copilot_transcript t where t.turn_id = c.turn_id and t.key = c.key) as stored`,
      [key, input.holder, turnId, input.over],
    );
    const claim = claims[0];
    if (!claim) throw new TurnGoneError(turnId);
    const fence = { turnId, key, epoch: claim.epoch };
    if (claim.stored !== null) return { fence, stored: claim.stored, deaths: 0, wasShown: claim.was_shown };

    if (key === 'step:1') await promoteTurn(trx, turnId);
    let events: TurnEvent[] = [];
    if (claim.was_shown) {
      events = [{ event: 'content_reset', step: input.step, content: await input.textBefore(trx) }];
      await trx.raw('update ai.copilot_turn_claims set text_shown = false where turn_id = ? and key = ?', [
        turnId,
        key,
      ]);
    } else if (claim.epoch === 1) {
      events = input.onFirst;
    }
    if (input.bill && claim.epoch > 1 && !claim.was_idle)
      await insertUsage(
        trx,
        { turnId, key, epoch: claim.epoch - 1 },
        { step: input.bill.step, ...LOST_ATTEMPT },
      );
    if (input.bill?.model !== undefined) {
      const from = await switchModel(trx, turnId, input.bill.model);
      if (from !== null) {
        events = [...events, ...input.bill.onSwitch(from, input.bill.model)];
        await forgetFailures(trx, fence);
        claim.deaths = 0;
      }
    }
    await appendLocked(trx, fence, events);
    return { fence, stored: null, deaths: claim.deaths, wasShown: claim.was_shown };
  });
}

/** Ends a claim under which no model was called, so that no attempt is noted on the bill. */
export async function markIdle(db: Knex, fence: Fence): Promise<void> {
  await db.raw(
    'update ai.copilot_turn_claims set idle = true, holder = null where turn_id = ? and key = ? and epoch = ?',
    [fence.turnId, fence.key, fence.epoch],
  );
}

/** Sets the turn's model. Returns the model before, or null when it is the same. */
async function switchModel(trx: Knex, turnId: string, model: string): Promise<string | null> {
  const rows = await rowsOf<{ before: string }>(
    trx,
    `update ai.copilot_turns t set model = ? from ai.copilot_turns o
     where t.id = ? and o.id = t.id and o.model <> ? returning o.model as before`,
    [model, turnId, model],
  );
  return rows[0]?.before ?? null;
}

/** Locks a claim and ends it, in the transaction that stores its result. Throws FencedError when a newer claim exists. */
export async function holdFence(trx: Knex, fence: Fence): Promise<void> {
  const held = await rowsOf(
    trx,
    `update ai.copilot_turn_claims set holder = null where turn_id = ? and key = ? and epoch = ? returning 1`,
    [fence.turnId, fence.key, fence.epoch],
  );
  if (held.length === 0) throw new FencedError(fence);
}
