import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { type ImportedInbox, ImportedInbox as InboxSchema } from '../../capabilities/inbox/import.ts';
import { ImportedMessage } from '../../capabilities/messages/import.ts';
import { ImportedTask } from '../../capabilities/tasks/import.ts';
import { readLines, toText } from './lines.ts';
import { readRecord } from './record.ts';

/** Something that is not imported, and where it is. */
export interface Bad {
  file: string;
  line?: number;
  reason: string;
}

/** What one file, or the folder of inboxes, holds. */
export interface Part<T> {
  name: string;
  /** In the order in which they appear first; of each the last good version. */
  records: T[];
  /** Lines (or files) that were read, without empty ones. */
  read: number;
  bad: Bad[];
  /** Fields that this version does not know, with the number of records that have them. */
  unknown: Map<string, number>;
}

/** An original data directory; a part is undefined where the directory has no such file. */
export interface Source {
  messages: Part<ImportedMessage> | undefined;
  tasks: Part<ImportedTask> | undefined;
  inboxes: Part<ImportedInbox> | undefined;
}

/** Reads all of an original data directory and writes nothing. `onProgress` is told of lines as they are read. */
export async function readSource(dir: string, onProgress: (file: string, lines: number) => void): Promise<Source> {
  return {
    messages: await readJsonLines(dir, 'messages.jsonl', ImportedMessage, ['replyCount'], onProgress),
    tasks: await readJsonLines(dir, 'tasks.jsonl', ImportedTask, [], onProgress),
    inboxes: readInboxes(dir),
  };
}

async function readJsonLines<T extends { id: string }>(
  dir: string,
  name: string,
  schema: z.ZodObject & z.ZodType<T>,
  derived: string[],
  onProgress: (file: string, lines: number) => void,
): Promise<Part<T> | undefined> {
  if (!existsSync(join(dir, name))) return undefined;
  const part: Part<T> = { name, records: [], read: 0, bad: [], unknown: new Map() };
  const known = new Set([...Object.keys(schema.shape), ...derived]);
  // A map keeps the place of the first and takes the value of the last.
  const byId = new Map<string, T>();
  try {
    for await (const line of readLines(join(dir, name))) {
      onProgress(name, ++part.read);
      const read = 'text' in line ? readRecord<T>(line.text, schema, known) : line;
      if ('problem' in read) {
        part.bad.push({ file: name, line: line.number, reason: read.problem });
        continue;
      }
      byId.set(read.value.id, read.value);
      note(part, read.unknown);
    }
  } catch (error) {
    part.bad.push({ file: name, reason: unreadable(error) });
  }
  part.records = [...byId.values()];
  return part;
}

/** The file of one agent, as the original wrote it. */
const OriginalInbox = z.object({
  agent: InboxSchema.shape.agent.optional(),
  subscriptions: InboxSchema.shape.subscriptions,
  ackedMessageIds: InboxSchema.shape.acknowledged,
  lastReadTimestamp: InboxSchema.shape.lastReadAt,
  lastUpdated: z.unknown().optional(),
});
const INBOX_FIELDS = new Set(Object.keys(OriginalInbox.shape));

function readInboxes(dir: string): Part<ImportedInbox> | undefined {
  if (!existsSync(join(dir, 'inbox'))) return undefined;
  const part: Part<ImportedInbox> = { name: 'inbox/', records: [], read: 0, bad: [], unknown: new Map() };
  let files: string[] = [];
  try {
    files = readdirSync(join(dir, 'inbox')).filter((file) => file.endsWith('.json'));
  } catch (error) {
    part.bad.push({ file: 'inbox', reason: unreadable(error) });
  }
  for (const file of files.sort()) {
    part.read++;
    const read = readInbox(dir, file);
    if ('problem' in read) part.bad.push({ file: `inbox/${file}`, reason: read.problem });
    else {
      part.records.push(read.value);
      note(part, read.unknown);
    }
  }
  return part;
}

function readInbox(dir: string, file: string): ReturnType<typeof readRecord<ImportedInbox>> {
  const name = basename(file, '.json');
  let bytes: Buffer;
  try {
    bytes = readFileSync(join(dir, 'inbox', file));
  } catch (error) {
    return { problem: unreadable(error) };
  }
  const text = toText(bytes);
  if ('problem' in text) return text;
  const read = readRecord(text.text, OriginalInbox, INBOX_FIELDS);
  if ('problem' in read) return read;
  const { agent = name, subscriptions, ackedMessageIds, lastReadTimestamp } = read.value;
  if (agent !== name) return { problem: `the file is called "${name}", but agent says "${agent}"` };
  const inbox = InboxSchema.safeParse({
    agent,
    acknowledged: ackedMessageIds,
    ...(subscriptions && { subscriptions }),
    ...(lastReadTimestamp !== undefined && { lastReadAt: lastReadTimestamp }),
  });
  if (!inbox.success) return { problem: `the name of the file is no agent's name: ${inbox.error.issues[0]?.message}` };
  return { value: inbox.data, unknown: read.unknown };
}

function note(part: { unknown: Map<string, number> }, names: readonly string[]): void {
  for (const name of names) part.unknown.set(name, (part.unknown.get(name) ?? 0) + 1);
}

function unreadable(error: unknown): string {
  return `cannot be read (${(error as NodeJS.ErrnoException).code ?? (error as Error).message})`;
}
