import type { Document } from '../kernel/document.ts';
import { forEachToken } from './tokens.ts';

/** What is written before the value in a word that says where something stands; no word of a text has a colon. */
export const PLACE = { channel: 'c', from: 'f', to: 't', thread: 'r', tag: 'g', scope: 's', reader: 'u' } as const;

/** A word that says where something stands: `c:general`. Two values never have one word, whatever their case. */
export function placeWord(key: keyof typeof PLACE, value: string): string {
  const plain = value.replace(/[^a-z0-9]/gu, (char) =>
    Array.from(Buffer.from(char), (byte) => `_${byte.toString(16).padStart(2, '0')}`).join(''),
  );
  return `${PLACE[key]}:${plain}`;
}

/** The row of a document in the table of its words, and each of its words once. */
export function wordsOf({ text, readers, place }: Document): { row: string; words: Set<string> } {
  const { tags = [], channel, from, to, thread, scope } = place;
  const row: string[] = [];
  for (const [key, value] of Object.entries({ channel, from, to, thread, scope }))
    if (value !== undefined) row.push(placeWord(key as keyof typeof PLACE, value));
  for (const tag of tags) row.push(placeWord('tag', tag));
  for (const reader of readers ?? []) row.push(placeWord('reader', reader));
  const words = new Set<string>();
  forEachToken(text, (word) => {
    row.push(word);
    words.add(word);
  });
  return { row: row.join(' '), words };
}
