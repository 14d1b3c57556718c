/** npm run migrate: runs the missing migrations, builds the missing indexes, and exits. */
import { migrateDatabase } from '../db/schema/migrate.ts';
import { findDatabase } from './find-addresses.ts';
import { runCommand } from './run-command.ts';

await runCommand('migrate', async ({ config, logger, shutdown }) => {
  await migrateDatabase({ databaseUrl: findDatabase(config), logger });
  console.log('The database is up to date.');
  shutdown.exit(0);
});
