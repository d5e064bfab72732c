import { z } from 'zod';
import {
  type Context,
  capability,
  command,
  type LiveCollection,
  type QueryContext,
  query,
} from '../../kernel/capability.ts';
import { listInput } from '../../kernel/page.ts';
import { ChannelId } from '../channels/schema.ts';
import { DEFAULT_SUBSCRIPTIONS, mayRead } from '../channels/state.ts';
import { acknowledge } from './acknowledge.ts';
import { list } from './list.ts';
import { acksTable, agent, InboxMessage, itemsTable, participantsTable } from './schema.ts';
import { apply, followed, type Inbox, type InboxState, inboxOf, toldBy, unreadOf, wasAddressed } from './state.ts';
import { waitFor } from './wait.ts';

export { countAddressed, type Entry, selectAddressed, selectInbox } from './listing.ts';

interface State extends InboxState {
  inboxes: LiveCollection<Inbox>;
}

const subscribe = command({
  name: 'inbox.subscribe',
  summary: 'Sets the channels that an agent follows, in place of those that it followed.',
  http: ['POST /inbox/:agent/subscribe'],
  actor: 'agent',
  complaint: 'channels array is required',
  input: z.object({ agent, channels: z.array(ChannelId).max(1_000) }),
  output: z.object({ success: z.literal(true), subscriptions: z.array(z.string()) }),
  decide({ agent, channels }, { state }: Context<State>) {
    // What is private comes without being followed.
    const wanted = [...new Set(channels)].filter((channel) => mayRead(channel, undefined));
    const now = state.inboxes.get(agent)?.subscriptions;
    if (now && wanted.length === now.length && wanted.every((channel, i) => channel === now[i])) return [];
    return [{ type: 'inbox_subscribed', subject: agent, data: { agent, channels: wanted } }];
  },
  answer: (_, state: State, { agent }) => ({
    success: true as const,
    subscriptions: [...followed(inboxOf(state, agent))],
  }),
});

const subscriptions = query({
  name: 'inbox.subscriptions',
  summary: 'The channels that an agent follows.',
  http: ['GET /inbox/:agent/subscriptions'],
  actor: 'agent',
  input: z.object({ agent }),
  output: z.object({ subscriptions: z.array(z.string()) }),
  run: ({ agent }, { state }: QueryContext<State>) => ({ subscriptions: [...followed(inboxOf(state, agent))] }),
});

const unread = query({
  name: 'inbox.unread',
  summary: 'How much an agent has not read.',
  http: ['GET /inbox/:agent/unread'],
  actor: 'agent',
  input: z.object({ agent }),
  output: z.object({ count: z.number(), mentions: z.number(), agent: z.string() }),
  run({ agent }, { state }: QueryContext<State>) {
    const { unread, mentions } = unreadOf(state, agent);
    return { count: unread, mentions, agent };
  },
});

const { limit } = listInput(50, 1_000);

const MENTIONS = `SELECT m.doc FROM inbox_items i JOIN messages m ON m.seq = i.event
  WHERE i.agent = ? AND i.reason = 'mention' AND m.deleted = 0 ORDER BY i.event DESC LIMIT ?`;

const mentioned = query({
  name: 'inbox.mentions',
  summary: 'The newest messages that mention an agent, acknowledged or not.',
  http: ['GET /inbox/:agent/mentions'],
  actor: 'agent',
  input: z.object({ agent, limit }),
  output: z.object({ mentions: z.array(InboxMessage), count: z.number(), agent: z.string() }),
  async run({ agent, limit }, context: QueryContext<State>) {
    const rows = await context.index((view) => view.all<{ doc: string }>(MENTIONS, agent, limit));
    const mentions = rows.map(({ doc }) => ({
      ...(JSON.parse(doc) as z.input<typeof InboxMessage>),
      priority: 'high' as const,
      reason: 'mention' as const,
    }));
    return { mentions, count: mentions.length, agent };
  },
});

export const inbox = capability<State>()({
  name: 'inbox',
  summary: 'What is for each agent, and what it has read and acknowledged of it.',
  collections: [{ name: 'inboxes', keep: 'memory' }, itemsTable, acksTable, participantsTable],
  operations: [list, acknowledge, subscribe, subscriptions, unread, mentioned, waitFor],
  events: {
    inbox_imported: 'What an agent follows and had seen elsewhere: agent, subscriptions, acknowledged, lastReadAt.',
    inbox_subscribed: 'What an agent follows from now on: agent, channels.',
    inbox_read: 'An agent has read everything up to an event: agent, upTo.',
    inbox_acknowledged: 'An agent has dealt with everything up to an event, or with some: agent, upTo, items.',
    inbox_delivered: 'An agent was given something to acknowledge: agent, items, until.',
  },
  apply,
  readers: ({ data }) => [String(data.agent)],
  concerns: (event, agent, state) =>
    event.type.startsWith('inbox_') ? event.data.agent === agent : wasAddressed(state, event, agent),
  hears: (agent, state) => [
    `to ${agent}`,
    `of ${agent}`,
    ...followed(inboxOf(state, agent)).map((channel) => `channel ${channel}`),
  ],
  wakes(event, state) {
    const { type, data } = event;
    const keys = [...toldBy(state, event).keys()].map((agent) => `to ${agent}`);
    if (type === 'message_posted') keys.push(`in ${data.channel}`);
    if (type.startsWith('inbox_')) keys.push(`of ${data.agent}`);
    if (type === 'inbox_subscribed') keys.push(`follows ${data.agent}`);
    return keys;
  },
  counters: unreadOf,
  health: (state) => ({ inbox: { agents: state.inboxes.size, defaultSubscriptions: DEFAULT_SUBSCRIPTIONS } }),
  snapshot: (view, agent) => ({
    inboxes: view
      .all<{ doc: string }>("SELECT doc FROM entity WHERE collection = 'inboxes' AND id = ?", agent ?? null)
      .map(({ doc }) => JSON.parse(doc) as Inbox),
  }),
});
