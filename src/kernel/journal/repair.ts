import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { JournalTooNew } from './damage.ts';
import { segmentsIn } from './layout.ts';
import { type KeptSegment, replaceJournal } from './replacement.ts';
import { readHeader, SCHEMA, scanSegment, segmentFile } from './segment.ts';
import { endOfLastWholeCommand } from './whole-commands.ts';

/** What a repair kept, and where the rest is. */
export interface Repair {
  /** Seq of the last record kept. */
  last: number;
  epoch: string;
  /** Where the journal is as it was found. */
  quarantined: string | undefined;
}

/** Keeps the whole commands before the first damage, moves the journal as it was to `quarantine`, and begins a new epoch. */
export function repair(dir: string, fresh: { journal: string; epoch: string }): Repair {
  const firsts = segmentsIn(dir);
  const header = firsts.map((first) => readHeader(dir, first)).find((found) => found !== undefined);
  const { last, quarantined } = replaceJournal(
    dir,
    { journal: header?.journal ?? fresh.journal, epoch: fresh.epoch },
    wholeSegments(dir, firsts),
  );
  return { last, epoch: fresh.epoch, quarantined };
}

/** The segments up to the first damage, the last of them cut before it. */
function* wholeSegments(dir: string, firsts: readonly number[]): Generator<KeptSegment> {
  let next = 1;
  for (const first of firsts) {
    if (first !== next) return;
    const file = join(dir, segmentFile(first));
    const data = readFileSync(file);
    const scan = scanSegment(data, first);
    if (scan.header && scan.header.schema > SCHEMA) throw new JournalTooNew(file, scan.header.schema, SCHEMA);
    if (scan.header === undefined) return;
    const { bytes, last, at } = endOfLastWholeCommand(data, scan);
    if (last < first) return;
    yield { first, last, at: at as number, data: data.subarray(0, bytes) };
    if (bytes < data.length) return;
    next = last + 1;
  }
}
