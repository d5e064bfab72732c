import { decode } from '../event.ts';
import type { Scan } from './segment.ts';

/** Where the last whole command of a segment ends; `at` is undefined where the segment holds none. */
export interface End {
  bytes: number;
  last: number;
  at: number | undefined;
}

/** A command of several events is kept whole or not at all: leaves out the lines of a last command that is not complete. */
export function endOfLastWholeCommand(data: Buffer, scan: Scan): End {
  if (scan.lines <= 1) return { bytes: scan.bytes, last: scan.last, at: undefined };
  const { event } = decode(data.subarray(scan.lastLineAt, scan.bytes - 1));
  if (event.tx === undefined || event.tx.i === event.tx.n) return { bytes: scan.bytes, last: event.seq, at: event.at };
  let start = scan.lastLineAt;
  for (let i = event.tx.i; i > 1 && start > 0; i--) start = data.lastIndexOf(0x0a, start - 2) + 1;
  const lineStart = data.lastIndexOf(0x0a, start - 2) + 1;
  // The line before may be the header, which has no `at`.
  const before = decode(data.subarray(lineStart, start - 1)).event as { at?: number };
  return { bytes: start, last: event.seq - event.tx.i, at: before.at };
}
