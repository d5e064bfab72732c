import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { newEpoch } from '../../kernel/cursor.ts';
import { backUp, restore } from '../../kernel/journal/backup.ts';
import { inspect, problemOf } from '../../kernel/journal/inspect.ts';
import { segmentsIn } from '../../kernel/journal/layout.ts';
import { repair } from '../../kernel/journal/repair.ts';
import { type DataDirectory, indexedUpTo, whileLocked } from './directory.ts';
import { RecordReader } from './records.ts';

/** The journal is not as it should be; the process ends with 1. */
export class Problem extends Error {}

type Say = (line: string) => void;

/** Reads every line of every segment and says what there is. Throws JournalRefused or {@link Problem}. */
export function verifyJournal({ data, journal }: DataDirectory, say: Say): void {
  const { manifest, last, torn } = inspect(journal);
  const indexed = indexedUpTo(data, manifest.epoch);
  if (indexed > last)
    throw new Problem(
      `The index holds events up to ${indexed}, but the journal ends at ${last}: acknowledged records are gone.`,
    );
  say(`The journal is whole: ${last} events in ${manifest.sealed.length + 1} segments, epoch ${manifest.epoch}.`);
  if (torn > 0) say(`${torn} bytes of an unfinished write follow; the next start cuts them off.`);
}

/** Keeps what is whole before the first damage, under a new epoch. The journal as it was goes to `quarantine`. */
export function repairJournal({ data, journal }: DataDirectory, quarantine: boolean, say: Say): void {
  whileLocked(data, () => {
    const problem = problemOf(journal) ?? aheadProblem({ data, journal });
    if (problem === undefined) return say('Nothing to repair: the journal is whole.');
    say(problem.message);
    if (!quarantine)
      throw new Problem('Nothing was changed. With --quarantine the whole records before the damage are kept.');
    const { last, epoch, quarantined } = repair(journal, { journal: randomUUID(), epoch: newEpoch() });
    say(`Kept the events up to ${last}; epoch ${epoch} begins. The journal as it was is in ${quarantined}.`);
  });
}

function aheadProblem(directory: DataDirectory): Error | undefined {
  try {
    verifyJournal(directory, () => {});
    return undefined;
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

/** Prints the last events as JSON lines; with `follow`, each new one too until the signal. */
export async function tailJournal(
  { journal }: DataDirectory,
  { n, follow, signal }: { n: number; follow: boolean; signal: AbortSignal },
  say: Say,
): Promise<void> {
  const firsts = segmentsIn(journal);
  let start = firsts.length - 1;
  const last = Math.max(0, ...firsts);
  // A segment holds at least the seqs up to the next one, so this finds the last that is surely early enough.
  while (start > 0 && last - (firsts[start] as number) < n) start--;
  const reader = new RecordReader(journal, firsts[start] ?? 1);
  let lines: string[] = [];
  for (const { frame } of reader.read()) {
    lines.push(frame);
    if (lines.length > 2 * n + 1_000) lines = lines.slice(-n);
  }
  for (const line of n === 0 ? [] : lines.slice(-n)) say(line);
  while (follow && !signal.aborted) {
    await delay(100, undefined, { signal }).catch(() => {});
    for (const { frame } of reader.read()) say(frame);
  }
}

/** Writes every event as a JSON line, to standard output or to a file that appears when it is complete. */
export function exportJournal({ journal }: DataDirectory, file: string | undefined, say: Say): void {
  inspect(journal);
  const reader = new RecordReader(journal);
  if (file === undefined) {
    for (const { frame } of reader.read()) say(frame);
    return;
  }
  const temp = `${resolve(file)}.tmp`;
  const fd = openSync(temp, 'w');
  let count = 0;
  try {
    for (const { frame } of reader.read()) {
      writeSync(fd, `${frame}\n`);
      count++;
    }
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temp, resolve(file));
  say(`Wrote ${count} events to ${resolve(file)}.`);
}

/** Copies the journal to `<target>/journal`, also beside a running server. */
export function backUpJournal({ journal }: DataDirectory, target: string, say: Say): void {
  const { last, manifest } = backUp(journal, join(resolve(target), 'journal'));
  say(`Copied ${last} events in ${manifest.sealed.length + 1} segments to ${resolve(target)}, and verified the copy.`);
}

/** Puts a backup in the place of the journal, under a new epoch. */
export function restoreJournal({ data, journal }: DataDirectory, source: string, say: Say): void {
  whileLocked(data, () => {
    const epoch = newEpoch();
    const { last, quarantined } = restore(join(resolve(source), 'journal'), journal, epoch);
    say(`Restored ${last} events; epoch ${epoch} begins.`);
    if (quarantined !== undefined) say(`The journal that was there is in ${quarantined}.`);
  });
}
