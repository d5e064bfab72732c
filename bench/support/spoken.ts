import type { Event } from '../../src/kernel/event.ts';
import { messagePosted } from './messages.ts';

/** What agents speak of, the most frequent first. */
const SPOKEN =
  'deploy build test green staging production review merge branch config index search server memory agent task database query worker thread stream cursor event journal segment commit flush timeout retry error message channel decision plan release version update install package module function interface parser snippet ranking window certificate migration rollback quota latency credential pipeline container checksum partition scheduler webhook backlog'.split(
    ' ',
  );
const SYLLABLES = 'ka ro mi ten sol var pex lun dri gam ost ely fur nic hab wod'.split(' ');

/** One in so many messages says {@link RARE}. */
const RARE_EVERY = 50_000;
export const RARE = 'flibbertigibbet';
/** One in so many is in {@link QUIET}. */
const QUIET_EVERY = 2_500;
export const QUIET = 'attic';

/** A number from 0 to 1 that follows from two numbers. */
function chance(a: number, b: number): number {
  let x = (Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b)) >>> 0;
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d) >>> 0;
  x = Math.imul(x ^ (x >>> 12), 0x297a2d39) >>> 0;
  return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32;
}

/** A word of a vocabulary of some 20,000, in which a few words make up most of what is said. */
function wordAt(share: number): string {
  const rank = Math.floor(share ** 3 * 20_000);
  const known = SPOKEN[rank];
  if (known !== undefined) return known;
  let word = '';
  for (let left = rank; left > 0; left = Math.floor(left / SYLLABLES.length))
    word += SYLLABLES[left % SYLLABLES.length];
  return word;
}

/** The text of the `seq`-th message: 8 to 38 words, and where it stands. */
export function spokenText(seq: number): string {
  const words = Array.from({ length: 8 + Math.floor(chance(seq, 1) * 30) }, (_, i) => wordAt(chance(seq, i + 2)));
  if (seq % RARE_EVERY === 7) words.push(RARE);
  return `TASK-${seq % 5_000}: ${words.join(' ')} in src/${wordAt(chance(seq, 77))}/${wordAt(chance(seq, 78))}.ts`;
}

/** The event of the `seq`-th message of a history in which much is said. */
export function messageSpoken(seq: number, at: number): Event {
  const event = messagePosted(seq, at, seq % QUIET_EVERY === 11 ? QUIET : undefined);
  return { ...event, data: { ...event.data, content: spokenText(seq) } };
}
