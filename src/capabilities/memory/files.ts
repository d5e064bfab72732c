import { join, resolve } from 'node:path';
import { z } from 'zod';
import {
  type Context,
  command,
  type IndexView,
  type Moment,
  type QueryContext,
  query,
  type Settings,
} from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import { AgentName, wholeNumber } from '../../kernel/names.ts';
import { LIST_BYTES } from '../../kernel/page.ts';
import { dayOf, dayOfFile, entryOf, fileName, titleOf } from './day-file.ts';
import { findMemory } from './find.ts';
import { Content } from './schema.ts';
import type { Memory, MemoryState } from './state.ts';
import { written } from './write.ts';

/** Where the day files are, below the data directory: `<agent>/YYYY-MM-DD.md`. */
export const VIEWS = join('views', 'memory');

/** The file of a day on this machine. */
function pathOf(settings: Settings, agent: string, day: number): string {
  return join(resolve(String(settings.DATA_DIR ?? 'data')), VIEWS, agent, fileName(day));
}

export const append = command({
  name: 'memory.append',
  summary: 'Writes a memory of the team into an agent’s file of the day.',
  http: ['POST /memory/:agent'],
  actor: 'agent',
  complaint: 'content is required',
  input: z.object({ agent: AgentName.describe('Who writes.'), content: Content }),
  output: z.object({
    success: z.literal(true),
    path: z.string().meta({ description: 'The file, on the server’s machine; it is written soon after.' }),
    filename: z.string(),
    id: z.string().meta({ description: 'The memory: GET /memories/:id.' }),
  }),
  decide: ({ agent, content }, context: Context<MemoryState>) => [
    written({ agent, content, scope: 'team' }, context.id('memory'), context.now),
  ],
  answer([event], state: MemoryState, { agent }, _, { settings }: Moment<MemoryState>) {
    const { id, createdAt } = findMemory(state, event?.subject as string, agent);
    const day = dayOf(createdAt);
    return { success: true as const, path: pathOf(settings, agent, day), filename: fileName(day), id };
  },
});

/** The part of a day's memories that a reader may read. */
const READABLE = "owner = ? AND day = ? AND state = 0 AND reader IN ('', ?)";

/** Before every memory. */
export const FIRST = { ts: -1, seq: -1 };

/** Some of the living memories of a day, in the order of its file, after a place. */
export function selectEntries(
  view: IndexView,
  { agent, day, reader }: { agent: string; day: number; reader: string | undefined },
  after: { ts: number; seq: number },
  limit: number,
): { ts: number; seq: number; doc: string }[] {
  return view.all(
    `SELECT ts, seq, doc FROM memories INDEXED BY memories_by_day WHERE ${READABLE} AND (ts, seq) > (?, ?) ORDER BY ts, seq LIMIT ?`,
    agent,
    day,
    reader ?? '',
    after.ts,
    after.seq,
    limit,
  );
}

/** Lines that the living memories of a day take which stand before each of these; the day is walked through once. */
export function linesBefore(
  view: IndexView,
  { agent, day, reader }: { agent: string; day: number; reader: string | undefined },
  memories: readonly Pick<Memory, 'createdAt' | 'seq'>[],
): Map<number, number> {
  const before = new Map<number, number>();
  let from = FIRST;
  let total = 0;
  for (const { createdAt: ts, seq } of [...memories].sort((a, b) => a.createdAt - b.createdAt || a.seq - b.seq)) {
    const [row] = view.all<{ lines: number | null }>(
      `SELECT sum(lines) AS lines FROM memories INDEXED BY memories_by_day WHERE ${READABLE} AND (ts, seq) >= (?, ?) AND (ts, seq) < (?, ?)`,
      agent,
      day,
      reader ?? '',
      from.ts,
      from.seq,
      ts,
      seq,
    );
    total += row?.lines ?? 0;
    before.set(seq, total);
    from = { ts, seq };
  }
  return before;
}

/** Memories read at a time: few, so that a large day holds nobody up. */
export const PAGE = 50;

interface DayFile {
  path: string;
  filename: string;
  content: string;
  size: number;
  modified: number;
  truncated?: true;
}

/** The file of a day as the reader may see it; undefined where there is nothing in it. It ends where `room` does. */
function readDay(
  view: IndexView,
  place: { agent: string; day: number; reader: string | undefined },
  room: number,
): Omit<DayFile, 'path' | 'filename'> | undefined {
  let content = titleOf(place.day);
  let size = Buffer.byteLength(content);
  let modified = 0;
  let truncated = false;
  for (let after = FIRST; !truncated; ) {
    const rows = selectEntries(view, place, after, PAGE);
    for (const { doc } of rows) {
      const memory = JSON.parse(doc) as Memory;
      const entry = entryOf(memory);
      const bytes = Buffer.byteLength(entry);
      truncated = modified > 0 && size + bytes > room;
      if (truncated) break;
      content += entry;
      size += bytes;
      modified = Math.max(modified, memory.updatedAt);
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) break;
    after = last;
  }
  return modified === 0 ? undefined : { content, size, modified, ...(truncated && { truncated }) };
}

/** The newest day before another of which the reader may read something. */
export function dayBefore(view: IndexView, agent: string, reader: string | undefined, day: number): number | undefined {
  const [row] = view.all<{ day: number }>(
    "SELECT day FROM memories INDEXED BY memories_by_day WHERE owner = ? AND day < ? AND state = 0 AND reader IN ('', ?) ORDER BY day DESC LIMIT 1",
    agent,
    day,
    reader ?? '',
  );
  return row?.day;
}

const Limit = wholeNumber(1, Number.MAX_SAFE_INTEGER)
  .transform((n) => Math.min(n as number, 1_000))
  .default(1_000);

export const files = query({
  name: 'memory.files',
  summary:
    'An agent’s memories as Markdown, one file a day, newest day first. What is the agent’s alone, it alone is shown (X-Agent).',
  http: ['GET /memory/:agent'],
  input: z.object({
    agent: AgentName.describe('Whose memories. It does not name the caller: X-Agent does.'),
    limit: Limit.describe('Days at most: 1000 unless said.'),
    cursor: z.string().max(64).optional().describe('Goes on where an earlier answer with `more` ended: its `cursor`.'),
  }),
  output: z.object({
    success: z.literal(true),
    memories: z.array(
      z.object({
        path: z.string().meta({ description: 'The file, on the server’s machine.' }),
        filename: z.string().meta({ description: 'YYYY-MM-DD.md, the day of UTC.' }),
        content: z.string(),
        size: z.number().meta({ description: 'Bytes of the content.' }),
        modified: z.number().meta({ description: 'Milliseconds since 1970.' }),
        truncated: z
          .literal(true)
          .optional()
          .meta({ description: 'The day is too large for one answer; GET /memories has all of it.' }),
      }),
    ),
    more: z.boolean().optional(),
    cursor: z.string().optional(),
  }),
  run({ agent, limit, cursor }, { index, agent: reader, settings }: QueryContext<MemoryState>) {
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : dayOfFile(`${cursor}.md`);
    if (before === undefined) throw new Refusal('invalid_cursor', 'That is no cursor of a list of day files.');
    return index((view) => {
      const memories: DayFile[] = [];
      let room = LIST_BYTES;
      let day = dayBefore(view, agent, reader, before);
      for (; day !== undefined && memories.length < limit; day = dayBefore(view, agent, reader, day)) {
        const file = readDay(view, { agent, day, reader }, LIST_BYTES);
        if (file === undefined) continue;
        room -= file.size;
        if (room < 0 && memories.length > 0) break;
        memories.push({ path: pathOf(settings, agent, day), filename: fileName(day), ...file });
      }
      const last = memories.at(-1);
      return {
        success: true as const,
        memories,
        ...(day !== undefined && last && { more: true, cursor: last.filename.slice(0, -3) }),
      };
    });
  },
});
