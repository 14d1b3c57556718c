/** The key that signs the API's tokens: from the environment, or from the data folder, whose processes share it. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { codeOf } from '../contracts/thrown-codes.ts';
import type { Config } from '../runtime/config.ts';
import { openFolder } from './data-folder.ts';

const FILE = 'jwt-secret';

/** The bytes of the secret. The first call creates the file (mode 0600); when two processes do so at once, one wins. */
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

const STUDIO_KEY_LIFE = '24 hours';

/** The page's own token, which ends by itself: it stands in a link, and links are copied. */
export async function mintStudioKey(secret: Uint8Array): Promise<string> {
  return new SignJWT({ role: 'service_role', iss: 'workflow-copilot', sub: 'studio' })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setExpirationTime(STUDIO_KEY_LIFE)
    .sign(secret);
}

/** Signs a token with the role service_role and without expiry. */
export async function mintServiceKey(secret: Uint8Array): Promise<string> {
  return new SignJWT({ role: 'service_role', iss: 'workflow-copilot' })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(secret);
}
