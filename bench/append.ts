import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Result, Settings } from './support/benchmark.ts';
import { built } from './support/built.ts';
import { temporaryDirectory } from './support/directory.ts';
import { MESSAGE, messagePosted } from './support/messages.ts';
import { figure, median, ratio } from './support/statistics.ts';

const WRITERS = [1, 16, 256];
const BOUND = 0.8;

type Append = () => Promise<unknown>;

/** Durable appends a second, where each writer waits for its append before the next. */
async function rate(append: Append, writers: number, ms: number): Promise<number> {
  const began = performance.now();
  const until = began + ms;
  let appends = 0;
  const write = async () => {
    while (performance.now() < until) {
      await append();
      appends++;
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  return appends / ((performance.now() - began) / 1_000);
}

/** Lines of a file that are whole JSON objects, by their first and last character. */
async function countLines(file: string): Promise<number> {
  let lines = 0;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (!line.startsWith('{') || !line.endsWith('}')) throw new Error(`not a whole line: ${line}`);
    lines++;
  }
  return lines;
}

/** The journal, and a whole command, against the least that is durable. */
export async function append({ quick }: Settings): Promise<Result> {
  const [{ encode }, { FileJournal }, { openKernel }, { BareLog }] = await Promise.all([
    built.event(),
    built.fileJournal(),
    built.node(),
    built.bareLog(),
  ]);
  using directory = temporaryDirectory();
  const log = new BareLog(join(directory.path, 'bare.jsonl'));
  const journal = await FileJournal.open({
    dir: join(directory.path, 'journal'),
    fresh: () => ({ journal: 'bench', epoch: 'bench000' }),
  });
  const opened = await openKernel({
    config: { DATA_DIR: join(directory.path, 'data'), DURABILITY: { mode: 'always' }, SEGMENT_MIB: 64 },
  });
  const { kernel } = opened;
  const send = kernel.operations.get('messages.send');
  if (send === undefined) throw new Error('there is no operation messages.send');
  let bareSeq = 0;
  let sent = 0;
  const sides: Record<'bare' | 'journal' | 'kernel', Append> = {
    bare: () => log.append(messagePosted(++bareSeq, Date.now(), 'general')),
    journal: () => journal.append([encode(messagePosted(journal.head + 1, Date.now(), 'general'))]).settled,
    kernel: () => {
      sent++;
      return kernel.run(send, MESSAGE, {});
    },
  };
  const ms = quick ? 250 : 400;
  const rounds = quick ? 3 : 11;
  const result: Result = { checks: [], tables: [] };
  const rows: string[][] = [];
  for (const side of Object.values(sides)) await rate(side, 16, ms);
  for (const writers of WRITERS) {
    const rates: Record<string, number[]> = { bare: [], journal: [], kernel: [] };
    for (let round = 0; round < rounds; round++) {
      for (const [name, side] of Object.entries(sides)) rates[name]?.push(await rate(side, writers, ms));
    }
    const bare = rates.bare as number[];
    const against = (name: string) => median((rates[name] as number[]).map((value, i) => value / (bare[i] as number)));
    const share = against('journal');
    rows.push([
      String(writers),
      figure(median(bare)),
      figure(median(rates.journal as number[])),
      figure(median(rates.kernel as number[])),
      ratio(share),
      ratio(against('kernel')),
    ]);
    if (writers > 1)
      result.checks.push({
        what: `journal append, ${writers} writers`,
        bound: `≥ ${BOUND}× the bare loop`,
        measured: ratio(share),
        reached: share >= BOUND,
      });
  }
  const stored = (kernel.health().parts.chat as { totalMessages: number }).totalMessages;
  if (stored !== sent) throw new Error(`${sent} messages were acknowledged, ${stored} are stored`);
  const lines = await countLines(join(directory.path, 'bare.jsonl'));
  if (lines !== bareSeq) throw new Error(`the bare loop has ${lines} lines of ${bareSeq} objects`);
  if (journal.durable !== journal.head) throw new Error('not every append is durable');
  await journal.close();
  await opened.close();
  result.tables.push({
    title: 'In-process durable appends a second',
    head: ['writers', 'bare loop', 'journal', 'command `messages.send`', 'journal / bare', 'command / bare'],
    rows,
  });
  return result;
}
