/** Creates the sample project of a first start. */
import { POSTGRES_MIGRATIONS } from '../../runtime/bounds.ts';
import { createKnex } from '../connection/knex.ts';
import { withMigrationLock } from './migration-locks.ts';
import { SAMPLE_SQL, SAMPLE_WORKFLOW_ID } from './sample-project.ts';
import { rowsOf } from '../connection/sql-rows.ts';

const MARKER = 'copilot_sample_project';

/**
 * Creates the sample project once, in a database that has no workflow and no table in `public`. When a user deletes the
 * project, it is not created again. Returns the sample workflow's id, or null when the workflow does not exist.
 */
export async function seedSampleProject(options: { databaseUrl: string }): Promise<string | null> {
  const db = createKnex({
    databaseUrl: options.databaseUrl,
    applicationName: 'copilot-sample',
    poolMax: 1,
    bounds: POSTGRES_MIGRATIONS,
  });
  try {
    await withMigrationLock(options.databaseUrl, () =>
      db.transaction(async (trx) => {
        const [state] = await rowsOf<{ done: boolean; empty: boolean }>(
          trx,
          `select exists (select 1 from ai.project_settings where key = ?) as done,
             not exists (select 1 from ai.workflows)
             and not exists (select 1 from information_schema.tables where table_schema = 'public') as empty`,
          [MARKER],
        );
        if (state!.done) return;
        if (state!.empty) await trx.raw(SAMPLE_SQL);
        await trx.raw('insert into ai.project_settings (key, value) values (?, ?)', [
          MARKER,
          String(state!.empty),
        ]);
      }),
    );
    const found = await rowsOf<{ id: string }>(db, 'select id from ai.workflows where id = ?', [
      SAMPLE_WORKFLOW_ID,
    ]);
    return found[0]?.id ?? null;
  } finally {
    await db.destroy();
  }
}
