import fc from 'fast-check';
import { expect, test } from 'vitest';
import { forEachToken, tokensOf, wantedOf } from './tokens.ts';

const words = (text: string) => tokensOf(text).map(({ word }) => word);

test.each([
  ['Build 4711 is green.', ['build', '4711', 'is', 'green']],
  ['src/search/tokens.ts max_retries TASK-193', ['src', 'search', 'tokens', 'ts', 'max', 'retries', 'task', '193']],
  ['Crème BRÛLÉE İstanbul', ['creme', 'brulee', 'istanbul']],
  ['e\u0301te\u0301', ['ete']],
  ['ΟΔΟΣ οδος', ['οδοσ', 'οδοσ']],
  ['ＦＵＬＬ ﬁne', ['full', 'fine']],
  ['½ of 3²', ['1', '2', 'of', '32']],
  ['検索機能 ガ', ['検', '索', '機', '能', 'ガ']],
  ['한국어', ['한', '국', '어']],
  ['𝐀𝐁 ‼ ™', ['ab', '‼', 'tm']],
  ['done 🎉🎉', ['done', '🎉', '🎉']],
  ['مرحبا بالعالم', ['مرحبا', 'بالعالم']],
  ['a\u0000b\u200bc', ['a', 'b', 'c']],
  ['', []],
  ['"\'()*^:-_%', []],
])('the words of %j', (text, expected) => {
  expect(words(text)).toEqual(expected);
});

test('of a long word its first 64 characters count', () => {
  expect(words(`${'A'.repeat(100)} ${'é'.repeat(100)}`)).toEqual(['a'.repeat(64), 'e'.repeat(64)]);
});

test('a word stands where it was written', () => {
  const text = 'Say "Crème", then 検索 🎉.';
  const written = tokensOf(text).map(({ start, end }) => text.slice(start, end));
  expect(written).toEqual(['Say', 'Crème', 'then', '検', '索', '🎉']);
});

test('whatever a text holds, words are letters and digits, in order', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
      let before = 0;
      for (const { word, start, end } of tokensOf(text)) {
        expect(word).toMatch(/^[\p{L}\p{N}\p{M}\p{Extended_Pictographic}]+$/u);
        expect([start >= before, end > start]).toEqual([true, true]);
        before = start;
        // FTS5 cuts at spaces alone: nothing of ASCII but letters and digits may be in a word.
        expect(word).not.toMatch(/[\u0000-\u002f\u003a-\u0060\u007b-\u007f]/);
      }
    }),
    { numRuns: 500 },
  );
});

test('a word that is not wanted is told as nothing, and none that is wanted is missed', () => {
  const text = fc
    .array(fc.constantFrom('Deploy', 'deploys', 'green', 'x', 'é', '42', 'Crème'))
    .map((all) => all.join('-'));
  fc.assert(
    fc.property(text, fc.subarray(['deploy', 'green', 'e', '42', 'creme']), (text, some) => {
      const told: string[] = [];
      forEachToken(text, (word) => told.push(word), wantedOf(some));
      const all = words(text);
      expect(told.length).toBe(all.length);
      for (const [i, word] of told.entries())
        expect(word === '' ? some.includes(all[i] as string) : word !== all[i]).toBe(false);
    }),
  );
});
