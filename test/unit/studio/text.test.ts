/** Text of the model and the project, as the page shows it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readableText } from '../../../studio/src/text/readable-text.ts';
import { namesItself, openableAddress } from '../../../studio/src/text/safe-link.ts';
import { type Block, createBlockSplitter } from '../../../studio/src/text/split-blocks.ts';

test('what hides or reorders is spelled out; emoji, typography and joiners of scripts stay', () => {
  assert.equal(readableText('ab\u202Ecd\u202C'), 'ab[U+202E]cd[U+202C]');
  assert.equal(readableText('\u001b[31mred'), '[U+001B][31mred');
  assert.equal(readableText('a\u200Bb'), 'a[U+200B]b');
  for (const harmless of ['⚠️ ❤️ 👨‍👩‍👧 🇩🇪', '10\u00A0000\u202F€', 'می\u200Cخواهم'])
    assert.equal(readableText(harmless), harmless);
});

test('only short plain addresses can be opened', () => {
  for (const href of [
    'https://example.com',
    'http://docs.example.com/guide/start.html',
    'https://example.com/a-b_c~d/',
  ])
    assert.notEqual(openableAddress(href), null, href);
  for (const href of [
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    '//evil.example/x',
    '/relative',
    '',
    'https://evil.example/?data=secret',
    'https://evil.example/#secret',
    'https://user:secret@evil.example/',
    `https://evil.example/${'a'.repeat(33)}`,
    `https://evil.example/${'a/'.repeat(50)}`,
    `https://${'a'.repeat(25)}.evil.example/`,
    'https://evil.example/a%20b',
    'https://xn--pple-43d.com/',
  ])
    assert.equal(openableAddress(href), null, href);
});

test('a link whose words are its address needs no second one', () => {
  assert.equal(namesItself('https://example.com', 'https://example.com/'), true);
  assert.equal(namesItself('https://example.com', 'https://evil.example/'), false);
});

const PARTS = [
  '# Title\n',
  'text ',
  'more\n',
  '\n',
  '- item\n',
  '  - inner\n',
  '1. one\n',
  '```ts\n',
  '```\n',
  '~~~\n',
  '> quote\n',
  '| a | b |\n',
  '|---|---|\n',
  '<b>x</b>\n',
  '---\n',
  '    indented\n',
];

test('blocks of a growing text are those of the whole text, and hold all of it', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...PARTS), { maxLength: 60 }), (parts) => {
      const grow = createBlockSplitter();
      let text = '';
      let blocks: readonly Block[] = [];
      for (const part of parts) {
        text += part;
        blocks = grow(text);
      }
      assert.deepEqual(blocks, createBlockSplitter()(text));
      const letters = (all: string): string => all.replaceAll(/[^a-zA-Z]/g, '');
      const shown = blocks
        .map((block) => (block.kind === 'code' ? block.language : '') + block.text)
        .join('');
      assert.equal(letters(shown), letters(text));
    }),
  );
});

test('finished blocks stay the same objects, and a text that is taken back begins anew', () => {
  const split = createBlockSplitter();
  const [first] = split('One.\n\nTwo');
  assert.equal(split('One.\n\nTwo and three')[0], first);
  assert.deepEqual(
    split('Other').map(({ text }) => text),
    ['Other'],
  );
});

test('a block without an end is bounded', () => {
  for (const text of [
    'a'.repeat(100_000),
    '```\n'.padEnd(100_000, 'x'),
    '['.repeat(50_000),
    '- a\n'.repeat(20_000),
  ]) {
    const blocks = createBlockSplitter()(text);
    assert.ok(blocks.every((block) => block.text.length <= 24_000));
    assert.ok(blocks.length > 1);
  }
});
