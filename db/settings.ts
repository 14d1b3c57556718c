/** Reads and writes the project's settings. */
import type { Knex } from 'knex';
import type { Actor } from '../contracts/audit.ts';
import { recordAct } from './audit/audit.ts';
import { rowsOf } from './connection/sql-rows.ts';

const MODEL_KEY = 'copilot_model';

/** The model that the project has set for the copilot, or null. */
export async function findModelSetting(db: Knex): Promise<string | null> {
  const rows = await rowsOf<{ value: string | null }>(
    db,
    'select left(value, 255) as value from ai.project_settings where key = ?',
    [MODEL_KEY],
  );
  return rows[0]?.value ?? null;
}

/** Sets the copilot's model. Running turns keep the model that they started with. */
export async function saveModelSetting(db: Knex, model: string, by: Actor): Promise<void> {
  await db.transaction(async (trx) => {
    await trx.raw(
      `insert into ai.project_settings (key, value, updated_at) values (?, ?, clock_timestamp())
       on conflict (key) do update set value = excluded.value, updated_at = excluded.updated_at`,
      [MODEL_KEY, model],
    );
    await recordAct(trx, by, { action: 'settings.model.write', target: model });
  });
}
