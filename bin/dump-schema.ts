/** npm run db:dump: writes the schema of the database to db/schema.sql. */
import { writeFileSync } from 'node:fs';
import { createKnex } from '../db/connection/knex.ts';
import { dumpSchema } from '../db/schema/dump-schema.ts';
import { findDatabase } from './find-addresses.ts';
import { runCommand } from './run-command.ts';

const FILE = new URL('../db/schema.sql', import.meta.url);

await runCommand('db:dump', async ({ config, shutdown }) => {
  const db = createKnex({
    databaseUrl: findDatabase(config),
    applicationName: 'copilot-dump-schema',
    poolMax: 1,
  });
  try {
    writeFileSync(FILE, await dumpSchema(db));
  } finally {
    await db.destroy();
  }
  console.log('db/schema.sql is written.');
  shutdown.exit(0);
});
