import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { test } from 'node:test';
import { authenticate } from '../../../api/middleware/auth.ts';
import { mintServiceKey, mintStudioKey } from '../../../stack/jwt-secret.ts';
import { silentLogger, TEST_SECRET } from '../../support/test-api.ts';

test('the key of the link is let in for 24 hours, and is not the service key', async () => {
  const key = await mintStudioKey(TEST_SECRET);
  assert.notEqual(key, await mintServiceKey(TEST_SECRET));
  const principal = await authenticate(
    { authorization: `Bearer ${key}` },
    {
      keys: { main: createSecretKey(TEST_SECRET), named: new Map() },
      allowedRoles: ['service_role'],
      logger: silentLogger,
    },
  );
  assert.equal(principal.role, 'service_role');
  assert.equal(principal.sub, 'studio');
  const hours = (principal.expiresAt! - Date.now()) / 3_600_000;
  assert.ok(hours > 23.9 && hours <= 24, String(hours));
});
