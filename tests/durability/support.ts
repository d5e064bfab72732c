import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Encoded, type Event, encode } from '../../src/kernel/event.ts';
import { FileJournal } from '../../src/kernel/journal/file-journal.ts';

export function fresh(): { journal: string; epoch: string } {
  return { journal: 'a-journal', epoch: 'first' };
}

export function openJournal(dir: string, segmentBytes?: number): Promise<FileJournal> {
  return FileJournal.open({ dir, fresh, ...(segmentBytes !== undefined && { segmentBytes }) });
}

/** One command of `n` events after the head; odd ones carry an idempotency mark. */
export function command(head: number, n = 1): Encoded[] {
  return Array.from({ length: n }, (_, i) => {
    const seq = head + 1 + i;
    const event: Event = { seq, at: 1_000 + seq, type: 'noted', actor: 'link', data: { text: `n${seq} ö` } };
    if (n > 1) event.tx = { id: head + 1, i: i + 1, n };
    return encode(event, i === 0 && seq % 2 === 1 ? { key: `k${seq}`, hash: 'h', op: 'note' } : undefined);
  });
}

/** Appends commands of the given sizes, each durable before the next. */
export async function append(journal: FileJournal, sizes: readonly number[]): Promise<void> {
  for (const n of sizes) await journal.append(command(journal.head, n)).settled;
}

export async function readAll(journal: FileJournal): Promise<Encoded[]> {
  const records: Encoded[] = [];
  while (records.length < journal.durable) records.push(...(await journal.read(records.length, 1_000)));
  return records;
}

export function copyJournal(from: string, to: string): string {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) copyFileSync(join(from, name), join(to, name));
  return to;
}
