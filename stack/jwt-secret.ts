/** The key of the API's tokens: from the environment, or one that the processes of a data folder share. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { codeOf } from '../contracts/thrown-codes.ts';
import type { Config } from '../runtime/config.ts';
import { openFolder } from './data-folder.ts';

const FILE = 'jwt-secret';

/** The secret's bytes. Made on first use (mode 0600); of several processes that make it at once, one wins. */
export function resolveJwtSecret(config: Pick<Config, 'jwtSecret' | 'dataDir'>): Uint8Array {
  if (config.jwtSecret !== undefined) return new TextEncoder().encode(config.jwtSecret);
  const path = join(openFolder(config.dataDir), FILE);
  try {
    writeFileSync(path, randomBytes(48).toString('base64url'), { flag: 'wx', mode: 0o600 });
  } catch (error: unknown) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  return new TextEncoder().encode(readFileSync(path, 'utf8').trim());
}

/** A token for the whole service (role service_role), without expiry. */
export async function mintServiceKey(secret: Uint8Array): Promise<string> {
  return new SignJWT({ role: 'service_role', iss: 'workflow-copilot' })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(secret);
}
