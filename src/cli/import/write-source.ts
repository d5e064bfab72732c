import { importInboxes } from '../../capabilities/inbox/import.ts';
import { importMessages } from '../../capabilities/messages/import.ts';
import { importTasks } from '../../capabilities/tasks/import.ts';
import { type Command, type Context, type QueryContext, query } from '../../kernel/capability.ts';
import type { Event } from '../../kernel/event.ts';
import type { Outcome } from '../../kernel/import.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Part, Source } from './source.ts';
import { arrangeThreads } from './threads.ts';

/** What became of the records of one part. */
export type Counts = Record<Outcome, number>;

/** Records in one command, which is one transaction. */
const RECORDS = 250;
/** Characters in one command, about; a single record may be longer. */
const CHARACTERS = 512 * 1024;
/** Commands that are on their way to the disk at the same time: one flush takes them all. */
const COMMANDS = 8;
/** Records after which the index is waited for, so that memory does not grow with the file. */
const BACKLOG = 20_000;

export interface WriteOptions {
  kernel: Kernel;
  source: Source;
  /** Finds out what would be imported, and imports nothing. */
  dryRun: boolean;
  /** Told as `step` more records are durable: now `done` of the part's `total`. */
  onProgress: (progress: { part: string; step: number; done: number; total: number }) => void;
}

/** Imports a source through the kernel, as events. Throws Refusal where the kernel cannot take them. */
export async function writeSource(options: WriteOptions): Promise<Map<string, Counts>> {
  const { messages, tasks, inboxes } = options.source;
  const counts = new Map<string, Counts>();
  const write = async <T>(part: Part<unknown> | undefined, command: Command, field: string, records: readonly T[]) => {
    if (part !== undefined) counts.set(part.name, await writePart(options, part.name, command, field, records));
  };
  await write(messages, importMessages, 'messages', arrangeThreads(messages?.records ?? []));
  await write(tasks, importTasks, 'tasks', tasks?.records ?? []);
  await write(inboxes, importInboxes, 'inboxes', inboxes?.records ?? []);
  return counts;
}

async function writePart<T>(
  { kernel, dryRun, onProgress }: WriteOptions,
  name: string,
  command: Command,
  field: string,
  records: readonly T[],
): Promise<Counts> {
  const counts: Counts = { imported: 0, there: 0, differs: 0 };
  const operation = dryRun ? rehearsalOf(command) : command;
  let done = 0;
  let indexed = 0;
  const write = async (chunk: readonly T[]) => {
    const { value } = await kernel.run(operation, { [field]: chunk }, {});
    for (const outcome of (value as { outcomes: Outcome[] }).outcomes) counts[outcome]++;
    done += chunk.length;
    onProgress({ part: name, step: chunk.length, done, total: records.length });
  };
  let running: Promise<void>[] = [];
  for (const chunk of chunksOf(records)) {
    running.push(write(chunk));
    if (running.length < COMMANDS) continue;
    await allOf(running);
    running = [];
    if (done - indexed < BACKLOG) continue;
    indexed = done;
    await kernel.context(undefined).index(() => {});
  }
  await allOf(running);
  return counts;
}

/** Waits for every one of them, also where one fails. */
async function allOf(running: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(running)) if (result.status === 'rejected') throw result.reason;
}

function* chunksOf<T>(records: readonly T[]): Generator<T[]> {
  let chunk: T[] = [];
  let characters = 0;
  for (const record of records) {
    const length = JSON.stringify(record).length;
    if (chunk.length > 0 && (chunk.length === RECORDS || characters + length > CHARACTERS)) {
      yield chunk;
      chunk = [];
      characters = 0;
    }
    chunk.push(record);
    characters += length;
  }
  if (chunk.length > 0) yield chunk;
}

/** A query that answers what the command would answer. */
function rehearsalOf(command: Command) {
  return query({
    name: `${command.name}.rehearsal`,
    summary: command.summary,
    http: [],
    input: command.input,
    output: command.output,
    run(input: Record<string, unknown>, { state, now, sightings }: QueryContext<never>) {
      const id = (prefix: string) => prefix;
      const moment = { state, wall: now, settings: {}, began: 0, sightings };
      const context: Context<never> = { ...moment, now, seq: 0, actor: 'anonymous', ahead: [], id };
      const events = command.decide(input, context, undefined) as unknown as Event[];
      return command.answer(events, state, input, undefined, moment);
    },
  });
}
