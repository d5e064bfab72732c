import { z } from 'zod';
import { capability, type Operation, type QueryContext, query } from '../../kernel/capability.ts';
import { AgentName, flag } from '../../kernel/names.ts';
import { VERSION } from './version.ts';

const health = query({
  name: 'system.health',
  summary: 'Whether the server is well, and the figures a person at midnight looks for.',
  http: ['GET /health'],
  input: z.object({}),
  output: z.looseObject({ status: z.enum(['ok', 'degraded']), timestamp: z.number() }),
  run(_, { health, feed, now }: QueryContext<never>) {
    const { journal, index, search, parts } = health();
    const { chat = {}, views, ...others } = parts as { chat?: object; views?: { error?: string; inTheWay?: string } };
    const subscribers = [...feed.subscribers.values()].reduce((sum, n) => sum + n, 0);
    const problems = [
      ...(journal.writable ? [] : ['the disk is full: reading works, writing waits for space']),
      ...(index.error === undefined
        ? []
        : [`the index fails, and ${index.backlog} events wait for it: ${index.error}`]),
      ...(views?.error === undefined ? [] : [`the Markdown files of memories cannot be written: ${views.error}`]),
      ...(index.full ? ['too much waits for the index: no more is written before it has caught up'] : []),
      ...(search === undefined ? [] : [`searching fails: ${search.error}`]),
    ];
    return {
      status: problems.length === 0 ? ('ok' as const) : ('degraded' as const),
      ...(problems.length > 0 && { problems }),
      version: VERSION,
      openclaw: { configured: false, connected: false },
      chat: { ...chat, subscribers },
      ...others,
      ...(views && { views }),
      journal,
      index,
      timestamp: now,
    };
  },
});

function describe(operation: Operation, compact: boolean) {
  const { name, summary, http, kind } = operation;
  if (compact) return { name, http, summary };
  const fields = Object.entries(operation.input.shape as Record<string, z.ZodType>).map(([field, schema]) => ({
    field,
    required: !schema.safeParse(undefined).success,
    ...(schema.description !== undefined && { description: schema.description }),
  }));
  return { name, kind, http, summary, input: fields, hint: hintOf(operation) };
}

/** What words are looked for in. */
function textOf({ name, summary, input }: Operation): string {
  return `${name} ${summary} ${Object.keys(input.shape).join(' ')}`.toLowerCase();
}

/** How to call it from a shell in which URL is the address that the caller knows: no other is right for every caller. */
function hintOf({ http, kind, name }: Operation): string {
  const [method = '', path = ''] = (http[0] ?? '').split(' ');
  if (method === '') return `Over /ws: {"type":"call","id":1,"op":"${name}","input":{…}}`;
  return kind === 'query'
    ? `curl $URL${path}`
    : `curl -X ${method} $URL${path} -H 'Content-Type: application/json' -d '{…}'`;
}

const capabilities = query({
  name: 'system.capabilities',
  summary: 'Every operation with its path, its fields and a hint.',
  http: ['GET /capabilities'],
  input: z.object({
    compact: flag.optional().describe('1: names, paths and summaries alone.'),
    q: z
      .string()
      .max(200)
      .optional()
      .describe('Only operations that have these words in their name, summary or fields.'),
  }),
  output: z.object({
    version: z.string(),
    operations: z.array(z.looseObject({ name: z.string(), summary: z.string() })),
    doors: z.record(z.string(), z.string()),
  }),
  run({ compact, q = '' }, { operations }: QueryContext<never>) {
    const words = q
      .toLowerCase()
      .split(/[\s,]+/)
      .filter(Boolean);
    return {
      version: VERSION,
      operations: [...operations.values()]
        .filter((operation) => words.every((word) => textOf(operation).includes(word)))
        .map((operation) => describe(operation, compact ?? false)),
      doors: {
        rest: 'JSON over HTTP; /openapi.json describes it, /docs shows it; $URL in a hint is the address that you called',
        call: 'POST /call/<name> with the input as JSON: any operation by its name',
        sse: 'GET /events with Accept: text/event-stream, or GET /events/subscribe',
        ws: '/ws, subprotocol reflectt.v1: subscribe, call any operation',
        chat: '/chat/ws: the last messages, then each new one',
        mcp: '/mcp: Model Context Protocol, Streamable HTTP; /SKILL.md says how an agent works here',
      },
    };
  },
});

const snapshot = query({
  name: 'system.snapshot',
  summary: 'The live state as of one event; /events?after=<cursor> goes on from there without a gap.',
  http: ['GET /snapshot'],
  actor: 'agent',
  input: z.object({ agent: AgentName.optional() }),
  output: z.looseObject({ cursor: z.string() }),
  async run(_, { snapshot }: QueryContext<never>) {
    const { cursor, state } = await snapshot();
    return { cursor, ...state };
  },
});

export const system = capability()({
  name: 'system',
  summary: 'The server itself.',
  collections: [],
  operations: [health, capabilities, snapshot],
  events: {},
});
