import { capability, type IndexView, type SocketFeed } from '../../kernel/capability.ts';
import { capBytes } from '../../kernel/page.ts';
import { type ChannelsState, DEFAULT_SUBSCRIPTIONS, dmEnds } from '../channels/state.ts';
import type { InboxState } from '../inbox/state.ts';
import { type ExchangesState, follow } from './loop-guard.ts';
import { mentions, wordsAfterAt } from './mentions.ts';
import { operations } from './operations.ts';
import { type MessageRow, messagesTable, selectMessages, toMessage } from './projection.ts';
import { apply, type Message, type MessagesState } from './state.ts';

export { requireParty } from './access.ts';
export { present as presentMessages } from './listing.ts';
export type { Message } from './state.ts';

/** Messages in a snapshot. */
const SNAPSHOT = 200;
/** Messages that the original's WebSocket shows first. */
const HISTORY = 50;

/** The newest messages that the agent may read, oldest first; fewer than `limit` where they are large. */
function newest(view: IndexView, agent: string | undefined, limit: number): Message[] {
  const { sql, params } = selectMessages({}, agent, limit);
  const { taken } = capBytes(view.all<MessageRow>(sql, ...params), ({ doc }) => Buffer.byteLength(doc) + 1);
  return taken.map(toMessage).reverse();
}

/** The WebSocket of the original contract: the last messages, then each new one. */
const chatSocket: SocketFeed = {
  path: '/chat/ws',
  types: ['message_*'],
  first: (context) =>
    context.index((view) => ({
      frame: { type: 'history', messages: newest(view, context.agent, HISTORY) },
      seq: view.seq,
    })),
  each: ({ type, seq, data }) =>
    type === 'message_posted' ? { type: 'message', message: { ...data, seq } } : { type, data },
};

export const messages = capability<MessagesState & ChannelsState & InboxState & ExchangesState>()({
  name: 'messages',
  summary: 'What is said: channels, threads, direct messages, reactions.',
  collections: [messagesTable, { name: 'exchanges', keep: 'memory' }],
  operations,
  events: {
    message_posted: 'A message was posted: the message.',
    message_edited: 'Its author changed the text: id, channel, from, content.',
    message_deleted: 'Its author deleted it: id, channel, from, threadId where it was a reply.',
    message_reacted: 'A reaction was added or taken back: id, channel, emoji, agent, added.',
    loop_detected: 'Two agents answer each other without end: channel, thread, agents, exchanges, seconds.',
  },
  topics: ['chat'],
  apply(state, event) {
    apply(state, event);
    follow(state, event);
  },
  // That two agents loop is for people to see, also where what they say is private.
  readers: ({ type, data }) => (type === 'loop_detected' ? undefined : dmEnds(String(data.channel))),
  concerns({ type, data }, agent, state) {
    if (type === 'loop_detected') return state.agents.get(agent)?.kind === 'human';
    const { channel, to, content } = data as Partial<Message>;
    if (channel === undefined) return false;
    return (
      to === agent ||
      dmEnds(channel)?.includes(agent) ||
      (state.inboxes.get(agent)?.subscriptions ?? DEFAULT_SUBSCRIPTIONS).includes(channel) ||
      mentions(content ?? '', agent)
    );
  },
  hears: (agent) => [`at ${agent.toLowerCase()}`, 'loops'],
  wakes({ type, data }) {
    if (type === 'loop_detected') return ['loops'];
    const { channel, to, content } = data as Partial<Message>;
    if (channel === undefined) return [];
    const ends = [...(dmEnds(channel) ?? []), ...(to === undefined ? [] : [to])].map((agent) => `of ${agent}`);
    return content?.includes('@') ? [...ends, ...wordsAfterAt(content).map((word) => `at ${word}`)] : ends;
  },
  snapshot: (view, agent) => ({ messages: newest(view, agent, SNAPSHOT) }),
  sockets: [chatSocket],
});
