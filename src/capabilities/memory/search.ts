import { z } from 'zod';
import { type IndexView, type QueryContext, query } from '../../kernel/capability.ts';
import { AgentName } from '../../kernel/names.ts';
import { capBytes, listInput, listOutput, pick } from '../../kernel/page.ts';
import type { SearchAnswer, SearchHit, SearchRequest } from '../../kernel/search.ts';
import { formatSearchCursor, parseSearchCursor } from '../../kernel/search-cursor.ts';
import { contentLines, dayOf, fileName, lineNumber } from './day-file.ts';
import { linesBefore } from './files.ts';
import { isLiving, mayRead } from './find.ts';
import { filterFields, requireOwner, tagsOf, toCompact } from './list.ts';
import { Memory as MemoryOutput } from './schema.ts';
import type { Memory, MemoryState } from './state.ts';

/** Ways to say what is looked for, at most, and characters of each. */
const QUERIES = 8;
const QUERY = 8_192;

const Words = z.string().regex(/\S/, 'must not be empty').max(QUERY, `at most ${QUERY} characters`);
const REQUIRED = 'query parameter "q" is required';
const Mode = z.enum(['hybrid', 'semantic', 'lexical']);
const { limit, fields, compact } = listInput(20, 100);

/** What was done, which is told with every answer. */
const how = {
  mode: Mode.meta({ description: 'What was done: less than what was asked where there is no model, or it fails.' }),
  model: z
    .string()
    .nullable()
    .meta({ description: 'The model that gave meaning; null where words alone were looked at.' }),
  pending: z.number().meta({ description: 'Memories that have no meaning yet: they are found by their words.' }),
  words: z.enum(['all', 'any']).meta({ description: 'any: nothing has all the words that were asked for.' }),
  degraded: z.string().optional().meta({ description: 'Why it is less than what was asked.' }),
};

function howOf({ mode, words, model, pending, degraded }: SearchAnswer) {
  return { mode, words, model: model ?? null, pending, ...(degraded !== undefined && { degraded }) };
}

/** What the caller may be shown of what was found: who may read it is asked of the memory itself as well. */
function shownTo(agent: string | undefined, hits: readonly SearchHit[]): SearchHit[] {
  return hits.filter(({ entity }) => isLiving(entity as Memory) && mayRead(entity as Memory, agent));
}

const Result = z.object({
  memory: MemoryOutput.partial(),
  score: z.number().meta({ description: 'Greater is better; comparable within one answer.' }),
  matched: z.enum(['words', 'meaning', 'both']),
  snippet: z.object({
    text: z.string(),
    matches: z.array(z.tuple([z.number(), z.number()])).meta({ description: '[start, end) in UTF-16 units.' }),
  }),
});

export const search = query({
  name: 'memories.search',
  summary: 'Memories by what they mean and what they say, best first. Those that others replace are left out.',
  http: ['GET /memories/search'],
  complaint: REQUIRED,
  input: z
    .object({
      q: Words.optional().describe('What you look for, in your own words.'),
      queries: z
        .union([Words.transform((one) => [one]), z.array(Words).min(1).max(QUERIES)])
        .optional()
        .describe(
          `The same said in up to ${QUERIES} ways, each given as \`queries=\`: the best score of each memory counts.`,
        ),
      ...filterFields,
      mode: Mode.default('hybrid').describe('semantic: by meaning alone. lexical: by words alone.'),
      sort: z.enum(['relevance', 'newest']).default('relevance'),
      limit,
      cursor: z
        .string()
        .max(200)
        .optional()
        .describe('Goes on where an earlier answer with `more` ended: its `cursor`.'),
      fields,
      compact,
    })
    .refine(({ q, queries }) => q !== undefined || queries !== undefined, { path: ['q'], message: 'is required' }),
  output: z.object({
    results: z.array(Result),
    count: z.number(),
    ...how,
    ...listOutput,
  }),
  async run(input, { search: port, agent: caller, epoch }: QueryContext<MemoryState>) {
    const { q, queries = [], agent, tag, tags, scope, since, before, cursor, ...rest } = input;
    requireOwner(scope, agent, caller);
    const wanted = tagsOf({ tag, tags });
    const request: SearchRequest = {
      queries: [...new Set([...(q === undefined ? [] : [q]), ...queries])],
      in: ['memory'],
      mode: rest.mode,
      agent: caller,
      filter: {
        from: agent,
        scope,
        since,
        before,
        ...(wanted.length > 0 && { tags: wanted }),
      } as SearchRequest['filter'],
      sort: rest.sort,
      limit: rest.limit as number,
      after: parseSearchCursor(cursor, epoch),
    };
    const answer = await port.find(request);
    const present = (hit: SearchHit) => {
      const memory = hit.entity as Memory;
      const [shown] = pick([rest.compact ? toCompact(memory) : memory], rest.fields);
      const { score, matched, snippet } = hit;
      return { memory: shown as Partial<Memory>, score, matched, snippet };
    };
    const whole = shownTo(caller, answer.hits).map(present);
    const { taken, cut } = capBytes(whole, (item) => Buffer.byteLength(JSON.stringify(item)) + 1);
    // Where they are too large for one answer, it goes on after the last that is shown.
    const last = cut ? await port.find({ ...request, limit: taken.length }) : answer;
    const { next } = last;
    return {
      results: taken as z.input<typeof Result>[],
      count: taken.length,
      ...howOf(answer),
      ...(next !== undefined && { more: true as const, cursor: formatSearchCursor(epoch, next) }),
    };
  },
});

/** Words of a query, as they may stand in a line. */
function wordsOf(text: string): string[] {
  return [...new Set(text.toLowerCase().match(/[\p{L}\p{N}_]+/gu))];
}

/** The lines that have the query; else the first of those that have most of its words, else the first that says anything. */
function matchingLines(lines: readonly string[], q: string): number[] {
  const small = lines.map((line) => line.toLowerCase());
  const wanted = q.trim().toLowerCase();
  const whole = small.flatMap((line, i) => (line.includes(wanted) ? [i] : []));
  if (whole.length > 0) return whole;
  const words = wordsOf(q);
  let best = -1;
  let most = 0;
  for (const [i, line] of small.entries()) {
    const found = words.filter((word) => line.includes(word)).length;
    if (found > most) [best, most] = [i, found];
  }
  return [
    best === -1
      ? Math.max(
          0,
          small.findIndex((line) => /[\p{L}\p{N}]/u.test(line)),
        )
      : best,
  ];
}

interface Line {
  filename: string;
  line: number;
  match: string;
}

/** What was found, as it is now and as the reader may see it, in the order in which it was found. */
function current(view: IndexView, hits: readonly SearchHit[], reader: string | undefined): Memory[] {
  return hits.flatMap(({ seq }) => {
    const [row] = view.all<{ doc: string }>('SELECT doc FROM memories WHERE seq = ? AND state = 0', seq);
    const memory = row && (JSON.parse(row.doc) as Memory);
    return memory !== undefined && mayRead(memory, reader) ? [memory] : [];
  });
}

/** Where the lines of what was found stand in the day files, as the reader sees them now. */
function linesOf(
  view: IndexView,
  memories: readonly Memory[],
  reader: string | undefined,
  q: string,
  limit: number,
): Line[] {
  const days = new Map<number, Memory[]>();
  for (const memory of memories) {
    const day = dayOf(memory.createdAt);
    days.set(day, [...(days.get(day) ?? []), memory]);
  }
  const before = new Map<number, number>();
  for (const [day, ofDay] of days) {
    const place = { agent: (ofDay[0] as Memory).agent, day, reader };
    for (const [seq, lines] of linesBefore(view, place, ofDay)) before.set(seq, lines);
  }
  const found: Line[] = [];
  for (const { seq, createdAt, content } of memories) {
    if (found.length >= limit) break;
    const filename = fileName(dayOf(createdAt));
    const lines = contentLines(content);
    for (const i of matchingLines(lines, q))
      found.push({ filename, line: lineNumber(before.get(seq) ?? 0, i), match: (lines[i] as string).trim() });
  }
  return found.slice(0, limit);
}

const ofFiles = listInput(100, 1_000);

export const searchFiles = query({
  name: 'memory.search',
  summary: 'Lines of an agent’s day files by what they say and what they mean, best first.',
  http: ['GET /memory/:agent/search'],
  complaint: REQUIRED,
  input: z.object({
    agent: AgentName.describe('Whose memories. It does not name the caller: X-Agent does.'),
    q: Words,
    limit: ofFiles.limit.describe('Lines at most: 100 unless said, never more than 1000.'),
  }),
  output: z.object({
    success: z.literal(true),
    results: z.array(
      z.object({
        filename: z.string().meta({ description: 'YYYY-MM-DD.md, as in GET /memory/:agent.' }),
        line: z.number().meta({ description: 'Its number in that file, from 1.' }),
        match: z.string().meta({ description: 'What the line says, without the white space around it.' }),
      }),
    ),
    count: z.number(),
    ...how,
  }),
  async run({ agent, q, limit }, { search: port, index, agent: reader }: QueryContext<MemoryState>) {
    const answer = await port.find({
      queries: [q],
      in: ['memory'],
      mode: 'hybrid',
      agent: reader,
      filter: { from: agent },
      sort: 'relevance',
      limit: Math.min(limit as number, 100),
    });
    const results = await index((view) =>
      linesOf(view, current(view, answer.hits, reader), reader, q, limit as number),
    );
    return { success: true as const, results, count: results.length, ...howOf(answer) };
  },
});
