import { z } from 'zod';
import { capability, command, type LiveCollection, type QueryContext, query } from '../../kernel/capability.ts';
import type { Event } from '../../kernel/event.ts';
import { FilterInput } from '../../kernel/feed/filter.ts';
import { AgentName, flag, wholeNumber } from '../../kernel/names.ts';
import { awaitPage } from './await-page.ts';

/** How events are shown to streams that do not say it themselves. */
interface EventSettings {
  /** Milliseconds that events may be held back to go out together; 0 means at once. */
  batchWindowMs: number;
}

interface State {
  event_settings: LiveCollection<EventSettings>;
}

const KEY = 'settings';
const MAX_BATCH_MS = 60_000;
const batchMs = wholeNumber(0, MAX_BATCH_MS);

const after = z.string().max(64).optional().describe('A cursor, a seq, `now` or `earliest`. Unless said: now.');
const ephemeral = flag.optional().describe('1: also events that are not kept, such as heartbeats.');

const EventOutput = z.object({
  seq: z.number(),
  at: z.number(),
  type: z.string(),
  actor: z.string(),
  subject: z.string().optional(),
  data: z.record(z.string(), z.unknown()),
  tx: z.object({ id: z.number(), i: z.number(), n: z.number() }).optional(),
});

const list = query({
  name: 'events.list',
  summary: 'Events after a cursor: a page, a page that is waited for, or (Accept: text/event-stream) a stream.',
  http: ['GET /events'],
  actor: 'agent',
  stream: { when: 'accepted', frames: 'event' },
  input: FilterInput.extend({
    after,
    limit: wholeNumber(1, Number.MAX_SAFE_INTEGER)
      .transform((n) => Math.min(n, 1_000))
      .default(500)
      .describe('Events at most: 500 unless said, never more than 1000.'),
    wait: wholeNumber(0, 600).default(0).describe('Seconds to wait for the first event.'),
    batchMs: batchMs.optional(),
    ephemeral,
  }),
  output: z.object({ events: z.array(EventOutput), cursor: z.string(), head: z.string(), up_to_date: z.boolean() }),
  async run(
    { after, limit, wait, batchMs: _, ephemeral: __, ...wanted },
    { feed, agent, sleeper: sleep }: QueryContext<State>,
  ) {
    const from = feed.locateOrRefuse(after);
    const filter = feed.filter(wanted, agent);
    const sleeper = wait === 0 ? undefined : sleep(() => filter.wakers(), wait * 1_000);
    const page = await awaitPage(feed, from, filter, limit, sleeper).finally(() => sleeper?.leave());
    const events = page.entries.map(({ event }) => event as Event);
    return { events, cursor: feed.cursor(page.to), head: feed.cursor(), up_to_date: page.to >= feed.head };
  },
});

const subscribe = query({
  name: 'events.subscribe',
  summary: 'A stream of events as Server-Sent Events: `event` is the type, `data` the data, `id` the cursor.',
  http: ['GET /events/subscribe'],
  actor: 'agent',
  stream: { when: 'always', frames: 'data' },
  input: FilterInput.extend({
    after,
    batchMs: batchMs.optional().describe('Hold events back at most this long and send them as one `batch`.'),
    ephemeral,
  }),
  output: z.object({ subscribe: z.string() }),
  run: () => ({ subscribe: 'Over /ws, send a subscribe frame; over HTTP, GET /events/subscribe.' }),
});

const status = query({
  name: 'events.status',
  summary: 'Open streams by door, and how far the stream of events is.',
  http: ['GET /events/status'],
  input: z.object({}),
  output: z.object({
    connected: z.number(),
    connections: z.record(z.string(), z.number()),
    slow: z.number().meta({ description: 'Streams whose reader has not taken what was sent, while there is more.' }),
    head: z.string(),
    earliest: z.string(),
    batchWindowMs: z.number(),
  }),
  run(_, { feed, state }: QueryContext<State>) {
    const connections = Object.fromEntries(feed.subscribers);
    return {
      connected: Object.values(connections).reduce((sum, n) => sum + n, 0),
      connections,
      slow: feed.stalled.size,
      head: feed.cursor(),
      earliest: feed.cursor(feed.earliest),
      batchWindowMs: settings(state).batchWindowMs,
    };
  },
});

function settings(state: State): EventSettings {
  return state.event_settings.get(KEY) ?? { batchWindowMs: 0 };
}

const config = query({
  name: 'events.config',
  summary: 'How long events are held back for streams that do not say it themselves.',
  http: ['GET /events/config'],
  input: z.object({}),
  output: z.object({ batchWindowMs: z.number() }),
  run: (_, { state }: QueryContext<State>) => settings(state),
});

const configure = command({
  name: 'events.configure',
  summary: 'Sets how long events are held back for streams that begin from now on and do not say it themselves.',
  http: ['POST /events/config'],
  actor: 'agent',
  complaint: 'batchWindowMs is required',
  input: z.object({ batchWindowMs: batchMs, agent: AgentName.optional() }),
  output: z.object({ success: z.literal(true), batchWindowMs: z.number() }),
  decide: ({ batchWindowMs }) => [{ type: 'events_configured', subject: KEY, data: { batchWindowMs } }],
  answer: (_, state: State) => ({ success: true as const, ...settings(state) }),
});

export const events = capability<State>()({
  name: 'events',
  summary: 'One ordered stream of every change, resumable from any cursor.',
  collections: [{ name: 'event_settings', keep: 'memory' }],
  operations: [list, subscribe, status, config, configure],
  events: { events_configured: 'The batch window of streams was set: batchWindowMs.' },
  apply(state, event) {
    if (event.type === 'events_configured') state.event_settings.put(KEY, event.data as unknown as EventSettings);
  },
});
