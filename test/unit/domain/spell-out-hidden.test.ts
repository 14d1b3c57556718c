/** What a person is asked to approve shows every character that it holds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  hiddenCharacters,
  isBlank,
  visibleJson,
  visibleText,
} from '../../../domain/text/spell-out-hidden.ts';
import { repeats } from '../../support/repeats.ts';

const UNSEEN = /[[\p{C}\p{Default_Ignorable_Code_Point}\p{White_Space}]--[ \t\n]]/v;

/** From here on all characters are private: two planes of one kind. */
const PRIVATE_PLANES = 0xf0000;
const PRIVATE_STEP = repeats({ test: 61, soak: 1 });

test('no character that can not be seen survives, of whatever block', () => {
  for (let code = 0; code <= 0x10ffff; code += code < PRIVATE_PLANES ? 1 : PRIVATE_STEP) {
    const char = String.fromCodePoint(code);
    if (!UNSEEN.test(char)) continue;
    assert.equal(visibleText(`a${char}b`), `a[U+${code.toString(16).toUpperCase().padStart(4, '0')}]b`);
  }
});

test('tags, variation selectors, fillers, blank glyphs and overrides are spelled out by name', () => {
  const cases: [string, string][] = [
    ['\u{E0001}', 'U+E0001'],
    ['\u{E0041}', 'U+E0041'],
    ['\u{E007F}', 'U+E007F'],
    ['\uFE0F', 'U+FE0F'],
    ['\u{E0100}', 'U+E0100'],
    ['\u180B', 'U+180B'],
    ['\u3164', 'U+3164'],
    ['\uFFA0', 'U+FFA0'],
    ['\u115F', 'U+115F'],
    ['\u2800', 'U+2800'],
    ['\u00A0', 'U+00A0'],
    ['\u3000', 'U+3000'],
    ['\u034F', 'U+034F'],
    ['\u202E', 'U+202E'],
    ['\u2066', 'U+2066'],
    ['\u200B', 'U+200B'],
    ['\uFEFF', 'U+FEFF'],
    ['\uE000', 'U+E000'],
    ['\u0000', 'U+0000'],
    ['\u001B', 'U+001B'],
    ['\r', 'U+000D'],
    ['\u2028', 'U+2028'],
    ['\ud800', 'U+D800'],
  ];
  for (const [char, name] of cases) {
    assert.equal(visibleText(`Sup${char}port`), `Sup[${name}]port`);
    assert.deepEqual(hiddenCharacters(`Sup${char}port`), [`[${name}]`]);
    assert.deepEqual(visibleJson({ [`k${char}`]: [char] }), { [`k[${name}]`]: [`[${name}]`] });
  }
});

test('what pushes text out of sight, or paints over it, is spelled out', () => {
  assert.equal(visibleText(`a${'\n'.repeat(300)}b`), 'a\n[300 line breaks]\nb');
  assert.equal(visibleText(`a${'\n \t'.repeat(300)}\nb`), 'a\n[301 line breaks]\nb');
  assert.equal(visibleText(`a${' '.repeat(900)}b`), 'a [900 spaces] b');
  assert.equal(visibleText(`a${'\u0336'.repeat(6)}`), `a${'\u0336'.repeat(4)}[U+0336][U+0336]`);
});

test('ordinary text of any language stays as it is', () => {
  for (const text of [
    'Line one\n\n\tLine two,   spaced.',
    'é e\u0301 ü ñ',
    'हिन्दी में लिखा है',
    'العربيّة',
    'עִבְרִית',
    '日本語のテキスト',
    'ภาษาไทย',
    '🚀 done ✓',
    '[U+202E] as text',
  ]) {
    assert.equal(visibleText(text), text);
    assert.deepEqual(hiddenCharacters(text), []);
  }
  assert.equal(visibleText('one\r\ntwo'), 'one\ntwo');
});

test('a text that was made visible is visible', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const shown = visibleText(text);
      assert.ok(!UNSEEN.test(shown));
      assert.equal(visibleText(shown), shown);
    }),
    { numRuns: repeats({ test: 300, soak: 2_000 }) },
  );
});

test('keys that would read alike are all shown', () => {
  const value = { 'a\u200B': 1, 'a[U+200B]': 2, 'b\r\nc': 3, 'b\nc': 4, __proto__x: 5 };
  assert.deepEqual(visibleJson(value), {
    'a[U+200B]': 1,
    'a[U+200B] [key 2 of this name]': 2,
    'b\nc': 3,
    'b\nc [key 2 of this name]': 4,
    __proto__x: 5,
  });
});

test('a text is blank when nothing of it shows in any font', () => {
  for (const text of [
    '',
    ' \n',
    '\u200B',
    '\u3164',
    '\u2800',
    '\uFEFF\u202E',
    '\uFE0F',
    '\u{E0041}',
    '\u0000',
  ])
    assert.ok(isBlank(text), JSON.stringify(text));
  for (const text of ['a', '\u200Ba', '\u202Eabc', '\uE000', '\u{10FFFD}', '\u0301', '\uFFFD', '👩‍💻'])
    assert.ok(!isBlank(text), JSON.stringify(text));
});
