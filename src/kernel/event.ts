import { crc32 } from 'node:zlib';

/** What a command decides: an event before it has its place in the order. */
export interface Draft {
  /** Past tense, snake_case: `message_posted`. */
  type: string;
  /** The id of the entity that changed. */
  subject?: string;
  /** Who did it, where that is not the caller: in a history that is imported. */
  actor?: string;
  data: Record<string, unknown>;
}

/** One mutation with its place in the one global order. */
export interface Event<D = Record<string, unknown>> {
  /** 1, 2, 3 … without holes. */
  seq: number;
  /** Milliseconds since 1970, strictly increasing with `seq`. */
  at: number;
  type: string;
  /** The agent that caused it, or `anonymous`. */
  actor: string;
  subject?: string;
  data: D;
  /** Present where one command made several events: the i-th of n; `id` is the seq of the first. */
  tx?: { id: number; i: number; n: number };
}

/** What makes a retry recognisable; journaled with the first event of a command and shown to nobody. */
export interface IdempotencyMark {
  key: string;
  hash: string;
  op: string;
  /** Who called, where the event says that somebody else did it. */
  caller?: string;
  /** What a command did outside of this server, where it is kept: the answer is made of it again. */
  done?: unknown;
}

/** An event with the bytes that every door shows (`frame`) and the bytes that the journal keeps (`line`). */
export interface Encoded {
  event: Event;
  frame: string;
  line: string;
  idem?: IdempotencyMark;
}

/** The latest time that a Date can hold: no time and no seq of an event will have more digits. */
export const LATEST = 8_640_000_000_000_000;

/** One journal line may hold at most this many bytes. */
export const MAX_RECORD_BYTES = 256 * 1024;

const CRC_FIELD = ',"crc":"';
/** `,"crc":"xxxxxxxx"}` */
const CRC_SUFFIX_LENGTH = CRC_FIELD.length + 8 + 2;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** A 32-bit number as eight hexadecimal digits; `toString(16)` of numbers that large takes five times as long. */
function hex8(n: number): string {
  return `${HEX[n >>> 24]}${HEX[(n >>> 16) & 255]}${HEX[(n >>> 8) & 255]}${HEX[n & 255]}`;
}

/** Closes a JSON object that lacks its brace with the checksum of the bytes before it, as one journal line. */
export function sealLine(open: string): string {
  return `${open}${CRC_FIELD}${hex8(crc32(open))}"}\n`;
}

/** Encodes an event once, for the journal and for every door. Types and names have no character that JSON escapes. */
export function encode(event: Event, idem?: IdempotencyMark): Encoded {
  const subject = event.subject === undefined ? '' : `,"subject":${JSON.stringify(event.subject)}`;
  const tx = event.tx === undefined ? '' : `,"tx":${JSON.stringify(event.tx)}`;
  const open = `{"seq":${event.seq},"at":${event.at},"type":"${event.type}","actor":"${event.actor}"${subject},"data":${JSON.stringify(event.data)}${tx}`;
  return idem === undefined
    ? { event, frame: `${open}}`, line: sealLine(open) }
    : { event, frame: `${open}}`, line: sealLine(`${open},"idem":${JSON.stringify(idem)}`), idem };
}

/** True when the line (without its line feed) ends with the right checksum of what comes before it. */
export function isIntact(line: Buffer): boolean {
  const body = line.length - CRC_SUFFIX_LENGTH;
  if (body < 1 || line[line.length - 1] !== 0x7d || line[line.length - 2] !== 0x22) return false;
  if (line.toString('latin1', body, body + CRC_FIELD.length) !== CRC_FIELD) return false;
  return line.toString('latin1', body + CRC_FIELD.length, line.length - 2) === hex8(crc32(line.subarray(0, body)));
}

/** Reads a line that {@link isIntact} found whole. Throws where it is not JSON. */
export function decode(line: Buffer): Encoded {
  const text = line.toString('utf8');
  const { idem, crc: _, ...event } = JSON.parse(text) as Event & { idem?: IdempotencyMark; crc: string };
  const open = text.slice(0, -CRC_SUFFIX_LENGTH);
  const frame = idem === undefined ? open : open.slice(0, -`,"idem":${JSON.stringify(idem)}`.length);
  return { event, frame: `${frame}}`, line: `${text}\n`, ...(idem && { idem }) };
}

const SEQ = /^\{"seq":(\d+),/;

/** The seq of a line, read from its first bytes; undefined where there is none. */
export function seqOf(line: Buffer): number | undefined {
  const match = SEQ.exec(line.toString('latin1', 0, Math.min(line.length, 32)));
  return match ? Number(match[1]) : undefined;
}
