/** The one list of secret shapes, held against an independent set of rules (secretlint's recommended preset). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lintSource } from '@secretlint/core';
import { creator as preset } from '@secretlint/secretlint-rule-preset-recommend';
import fc from 'fast-check';
import { hideInText, looksLikeSecret } from '../../../domain/text/hide-secrets.ts';

const PRESET = '@secretlint/secretlint-rule-preset-recommend';
const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const DIGITS = '0123456789';
const of = (unit: string, length: number) =>
  fc.string({ unit: fc.constantFrom(...unit.split('')), minLength: length, maxLength: length });
const word = (length: number) => of(LOWER + LOWER.toUpperCase() + DIGITS, length);
const hex = (length: number) => of(`${DIGITS}abcdef`, length);
const upper = (length: number) => of(LOWER.toUpperCase() + DIGITS, length);
const around = (before: string, secret: fc.Arbitrary<string>, after = '') =>
  secret.map((text) => ({ before, secret: text, after }));

/** What secretlint knows. Nothing here is a constant, so that no scanner takes this file for a leak. */
const KNOWN = {
  'AWS secret key': around('AWS_SECRET_ACCESS_KEY=', word(40)),
  'Slack token': around(
    '',
    fc.tuple(word(11), word(12), word(24)).map((parts) => `xoxb-${parts.join('-')}`),
  ),
  'Slack webhook': around(
    'https://hooks.slack.com/services/',
    fc.tuple(upper(9), upper(9), word(24)).map(([a, b, c]) => `T${a}/B${b}/${c}`),
  ),
  'basic authentication in a URL': around('https://someone:', word(14), '@build.intern.dev/x'),
  'GitHub token': around(
    '',
    word(36).map((text) => `ghp_${text}`),
  ),
  'GitHub fine-grained token': around(
    '',
    word(82).map((text) => `github_pat_${text}`),
  ),
  'GitLab token': around(
    '',
    word(20).map((text) => `glpat-${text}`),
  ),
  'npm token': around(
    '',
    word(36).map((text) => `npm_${text}`),
  ),
  'OpenAI key': around(
    '',
    fc.tuple(word(20), word(20)).map(([a, b]) => `sk-${a}T3BlbkFJ${b}`),
  ),
  'Anthropic key': around(
    '',
    word(93).map((text) => `sk-ant-api03-${text}AA`),
  ),
  'Groq key': around(
    '',
    word(52).map((text) => `gsk_${text}`),
  ),
  'Hugging Face token': around(
    '',
    of(LOWER, 34).map((text) => `hf_${text}`),
  ),
  'SendGrid key': around(
    '',
    fc.tuple(word(22), word(43)).map(([a, b]) => `SG.${a}.${b}`),
  ),
  'Shopify token': around(
    '',
    hex(32).map((text) => `shpat_${text}`),
  ),
  'Stripe key': around(
    '',
    word(24).map((text) => `sk_live_${text}`),
  ),
  'Linear key': around(
    '',
    word(40).map((text) => `lin_api_${text}`),
  ),
  'Notion token': around(
    '',
    fc.tuple(of(DIGITS, 11), word(35)).map(([a, b]) => `ntn_${a}${b}`),
  ),
  'Grafana token': around(
    '',
    fc.tuple(word(32), hex(8)).map(([a, b]) => `glsa_${a}_${b}`),
  ),
  'Vault token': around(
    '',
    word(95).map((text) => `hvs.${text}`),
  ),
  'Vercel token': around(
    '',
    word(24).map((text) => `vcp_${text}`),
  ),
  'Databricks token': around(
    '',
    hex(32).map((text) => `dapi${text}`),
  ),
  'Docker token': around(
    '',
    word(27).map((text) => `dckr_pat_${text}`),
  ),
  'Figma token': around(
    '',
    word(40).map((text) => `figd_${text}`),
  ),
  'Cloudflare token': around(
    '',
    fc.tuple(word(40), hex(8)).map(([a, b]) => `cfut_${a}${b}`),
  ),
  'Tailscale key': around(
    '',
    fc.tuple(word(12), word(24)).map(([a, b]) => `tskey-auth-${a}-${b}`),
  ),
};

/** What it does not know, or not in this form. */
const OTHERS = {
  'AWS access key': around(
    '',
    upper(16).map((text) => `AKIA${text}`),
  ),
  'npm registry token': around('//registry.test/:_authToken=', word(36)),
  'Postgres URL': around('postgres://app:', word(16), '@db.intern.dev:5432/app'),
  'MySQL URL': around('mysql://app:', word(16), '@db.intern.dev/app'),
  'MongoDB URL': around('mongodb+srv://app:', word(16), '@db.intern.dev/app'),
  'private key': around(
    '',
    word(400).map((text) => `-----BEGIN RSA PRIVATE KEY-----\n${text}\n-----END RSA PRIVATE KEY-----`),
  ),
  'JSON Web Token': around(
    '',
    fc.tuple(word(30), word(60), word(43)).map(([a, b, c]) => `eyJ${a}.eyJ${b}.${c}`),
  ),
  'bearer header': around('Authorization: Bearer ', word(24)),
  'bearer header in JSON': around('{"authorization":"bearer ', word(8), '"}'),
  'basic header': around(
    'authorization: Basic ',
    word(24).map((text) => `${text}==`),
  ),
  'key header': around('x-api-key: ', word(32)),
  'Google key': around(
    '',
    word(35).map((text) => `AIza${text}`),
  ),
  'Azure storage key': around(
    'AccountName=a;AccountKey=',
    word(60).map((text) => `${text}==`),
    ';',
  ),
  'Telegram bot token': around(
    '',
    fc.tuple(of('123456789', 9), word(35)).map((parts) => parts.join(':')),
  ),
  'Stripe webhook secret': around(
    '',
    word(32).map((text) => `whsec_${text}`),
  ),
  'connection string': around('host=db user=app password=', word(12), ' dbname=app'),
  'ADO connection string': around('Server=db;User Id=app;Password=', word(12), ';'),
  'token in a query': around('https://a.test/x?access_token=', word(24), '&y=1'),
  'after an underscore': around(
    'TOKEN_',
    word(36).map((text) => `ghp_${text}`),
  ),
};

async function findsSecret(text: string): Promise<boolean> {
  const { messages } = await lintSource({
    source: { filePath: '/a.txt', content: text, contentType: 'text', ext: '.txt' },
    options: { config: { rules: [{ id: PRESET, rule: preset }] }, noPhysicFilePath: true },
  });
  return messages.length > 0;
}

for (const [name, shape] of Object.entries(KNOWN)) {
  test(`an independent scanner finds nothing in a hidden text: ${name}`, async () => {
    await fc.assert(
      fc.asyncProperty(shape, async ({ before, secret, after }) => {
        const text = `see ${before}${secret}${after} here`;
        assert.ok(await findsSecret(text), `the scanner does not know ${text}`);
        const hidden = hideInText(text);
        assert.ok(!hidden.includes(secret.slice(-8)), hidden);
        assert.ok(!(await findsSecret(hidden)), hidden);
      }),
      { numRuns: 5 },
    );
  });
}

test('shapes that the scanner does not know are hidden as well', () => {
  for (const [name, shape] of Object.entries(OTHERS)) {
    fc.assert(
      fc.property(shape, ({ before, secret, after }) => {
        const hidden = hideInText(`see ${before}${secret}${after} here`);
        assert.equal(hidden, `see ${before}[hidden]${after} here`, name);
      }),
      { numRuns: 20 },
    );
  }
});

test('ordinary text, code and links are left alone', () => {
  for (const text of [
    'Basic internationalization of a basic configuration; the bearer internationalizes it.',
    'task-queue-of-the-worker, disk-full-of-something-else-entirely',
    'https://a.test/orders?key=customer_status&page=2#section',
    'password = os.environ["DB_PASSWORD"]',
    'connect(host=host, user=user, password=password)',
    'self._password=given_password_value',
    'token=<Start.output.token>',
    'postgres://localhost:5432/app and a@b.example',
    'select * from orders where api_key is null',
    '0f9d7d5e-6f0e-4c54-9d4e-6b5f3a1c2d3e at 2026-11-25T01:02:03.456Z',
    'patient data, patch-level, AREA, MANAGER_ASSISTANT',
  ]) {
    assert.equal(hideInText(text), text);
    assert.ok(!looksLikeSecret(text));
  }
});
