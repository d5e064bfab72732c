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

/** Words of places that are remembered: a few channels and agents are in most rows. */
const REMEMBERED = 10_000;
const remembered = new Map<string, string>();

function knownPlaceWord(key: keyof typeof PLACE, value: string): string {
  const name = `${key} ${value}`;
  let word = remembered.get(name);
  if (word === undefined) {
    word = placeWord(key, value);
    if (remembered.size >= REMEMBERED) remembered.clear();
    remembered.set(name, word);
  }
  return word;
}

/** The row of a document in the table of its words; `tell` is told each word of its text. */
export function rowOf({ text, readers, place }: Document, tell: (word: string) => void): string {
  const { tags = [], channel, from, to, thread, scope } = place;
  let row = '';
  const add = (key: keyof typeof PLACE, value: string | undefined) => {
    if (value !== undefined) row += `${knownPlaceWord(key, value)} `;
  };
  add('channel', channel);
  add('from', from);
  add('to', to);
  add('thread', thread);
  add('scope', scope);
  for (const tag of tags) add('tag', tag);
  for (const reader of readers ?? []) add('reader', reader);
  forEachToken(text, (word) => {
    row += `${word} `;
    tell(word);
  });
  return row;
}
