import { expect, test } from 'vitest';
import { snippetOf } from './snippet.ts';

const term = (...words: string[]) => ({ words, longer: new Set<string>() });
const shown = (text: string, ...terms: Parameters<typeof snippetOf>[1]) => {
  const snippet = snippetOf(text, terms);
  return { ...snippet, matched: snippet.matches.map(([start, end]) => snippet.text.slice(start, end)) };
};

test('a short text is shown whole, with every match', () => {
  expect(shown('Green, GREEN and grün.', term('green'), term('grun'))).toMatchObject({
    text: 'Green, GREEN and grün.',
    matched: ['Green', 'GREEN', 'grün'],
  });
});

test('of a long text the piece is shown in which the most terms are, cut between words', () => {
  const filler = 'lorem ipsum dolor sit amet '.repeat(40);
  const { text, matched } = shown(
    `${filler}needle ${filler}needle in the haystack ${filler}`,
    term('needle'),
    term('haystack'),
  );
  expect(matched).toEqual(['needle', 'haystack']);
  expect(text).toMatch(/^…\S.*\S…$/);
  expect(text.length).toBeLessThanOrEqual(203);
});

test('phrases are one match, beginnings match the words that they stand for, and what overlaps is one', () => {
  expect(shown('see src/feed/ring.ts, deployed', term('src', 'feed', 'ring', 'ts')).matched).toEqual([
    'src/feed/ring.ts',
  ]);
  expect(shown('deployed', { words: ['dep'], longer: new Set(['deployed']) }).matched).toEqual(['deployed']);
  expect(shown('a b c', term('a', 'b'), term('b', 'c')).matched).toEqual(['a b c']);
});

test('a text without a match is shown from its beginning, and no character is cut in two', () => {
  expect(shown('nothing of it', term('absent'))).toMatchObject({ text: 'nothing of it', matches: [] });
  for (let lead = 0; lead < 4; lead++) {
    const { text } = shown(`${'x'.repeat(lead)}${'😀'.repeat(300)}needle${'😀'.repeat(300)}`, term('needle'));
    expect(text).toBe(Buffer.from(text).toString());
  }
});

test('a text of 200,000 characters costs no more than a look', () => {
  const began = process.cpuUsage();
  shown('needle '.repeat(28_000), term('needle'), term('absent'));
  const { user, system } = process.cpuUsage(began);
  expect((user + system) / 1_000).toBeLessThan(2_000);
});
