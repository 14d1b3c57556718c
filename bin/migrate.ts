/**
 * npm run migrate: runs the missing migrations, builds the missing indexes, and exits. With `--role <name>`, it then gives
 * that Postgres role the rights of API and worker (docs/postgres-role.md).
 */
import { parseArgs } from 'node:util';
import { AppRoleError, setUpAppRole } from '../db/schema/app-role.ts';
import { migrateDatabase } from '../db/schema/migrate.ts';
import { FriendlyError } from '../runtime/friendly-error.ts';
import { findDatabase } from './find-addresses.ts';
import { runCommand } from './run-command.ts';

await runCommand('migrate', async ({ config, logger, shutdown }) => {
  const role = readRole(process.argv.slice(3));
  const databaseUrl = findDatabase(config);
  await migrateDatabase({ databaseUrl, logger });
  console.log('The database is up to date.');
  if (role !== undefined) {
    await setUpAppRole({ databaseUrl, role, password: config.appPassword }).catch((error: unknown) => {
      throw error instanceof AppRoleError ? new FriendlyError(error.message, { cause: error }) : error;
    });
    console.log(`The role ${role} has the rights of API and worker.`);
  }
  shutdown.exit(0);
});

function readRole(args: string[]): string | undefined {
  try {
    const { role } = parseArgs({ args, options: { role: { type: 'string' } } }).values;
    if (role === '') throw new Error('--role needs a name');
    return role;
  } catch (error: unknown) {
    throw new FriendlyError(`usage: npm run migrate [-- --role <name>] (${(error as Error).message})`, {
      cause: error,
    });
  }
}
