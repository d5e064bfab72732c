import { z } from 'zod';
import type { ToolSpec } from '../transports/mcp/surface.ts';
import { type MessageLike, messageLine, moreLine, paged } from './lines.ts';

interface Message extends MessageLike {
  id: string;
  channel: string;
  timestamp: number;
  mentions?: string[];
}

interface Messages {
  messages: Message[];
  count?: number;
  more?: boolean;
  cursor?: string;
}

const postMessage: ToolSpec = {
  name: 'post_message',
  description:
    'Say something to the team: in a channel, as a reply in a thread, or to one agent alone (`to`: a private direct message). @name in the text notifies that agent.',
  effect: 'writes',
  operations: ['messages.send'],
  arguments: {
    content: 'The text.',
    channel: 'general, problems, shipping, dev, decisions or any name. Unless said: general.',
    to: 'An agent: a private message.',
    threadId: 'The id of the message that this answers.',
    attachments: 'Each {name, url}.',
    metadata: 'JSON of your own.',
  },
  required: ['content'],
  tell({ message: { id, channel, timestamp, mentions, threadId } }: { message: Message }) {
    return {
      fields: { success: true, id, channel, timestamp, ...(threadId && { threadId }), ...(mentions && { mentions }) },
      lines: [`posted ${id} in ${channel}`],
    };
  },
};

const readMessages: ToolSpec = {
  name: 'read_messages',
  description:
    'Read the newest messages of a channel, of one agent, or of a thread (`threadId`), oldest first. To learn what is for you, use inbox; after a pause, catch_up.',
  effect: 'reads',
  operations: ['messages.list', 'messages.thread'],
  arguments: {
    channel: 'Only this channel.',
    from: 'Only by this agent.',
    threadId: { says: 'A message and its replies.', schema: { type: 'string' } },
    since: 'Not before this time, in milliseconds since 1970.',
    limit: 'Messages at most; 20 unless said.',
    cursor: 'An earlier `next_cursor`.',
  },
  lists: ['messages'],
  plan({ threadId, limit = 20, ...rest }) {
    return threadId === undefined
      ? { operation: 'messages.list', input: { ...rest, limit } }
      : { operation: 'messages.thread', input: { id: threadId, limit, cursor: rest.cursor } };
  },
  tell: (answer: Messages) => ({
    fields: paged(answer),
    lines: [...answer.messages.map(messageLine), ...moreLine(answer)],
  }),
};

const inbox: ToolSpec = {
  name: 'inbox',
  description:
    'What is for you and not acknowledged: direct messages, mentions, replies, assignments, reviews, and your channels; high priority first. Acknowledge what you have dealt with (`done`), so that it is not shown again.',
  effect: 'writes',
  idempotent: true,
  operations: ['inbox.list', 'inbox.ack'],
  arguments: {
    done: {
      says: 'Acknowledges instead of reading: ids of messages, `all`, or a cursor up to which all is dealt with.',
      schema: { type: ['array', 'string'], items: { type: 'string' } },
    },
    priority: '',
    peek: 'true: nothing counts as read.',
    wait: 'Seconds to wait for something, at most 25.',
    limit: 'Messages at most; 20 unless said.',
  },
  lists: ['messages'],
  probe: { peek: true, wait: 0 },
  plan({ done, limit = 20, ...rest }) {
    if (done === undefined) return { operation: 'inbox.list', input: { ...rest, limit } };
    if (Array.isArray(done)) return { operation: 'inbox.ack', input: { messageIds: done } };
    return { operation: 'inbox.ack', input: done === 'all' ? { all: true } : { cursor: done } };
  },
  tell(answer: Messages, { operation }) {
    if (operation === 'inbox.ack')
      return { fields: answer, lines: [`acknowledged${answer.count === undefined ? '' : ` ${answer.count}`}`] };
    const lines = answer.messages.map(messageLine);
    return {
      fields: paged(answer),
      lines: [...(lines.length > 0 ? lines : ['nothing new for you']), ...moreLine(answer)],
    };
  },
};

interface Digest {
  agent: string;
  addressed: { total: number; items: { id: string; from: string; channel: string; reason?: string; text: string }[] };
  decisions: { total: number; items: { id: string; from: string; text: string }[] };
  tasks: { total: number; items: { id: string; title: string; status: string; assignee?: string }[] };
  channels: Record<string, number>;
  threads: { id: string; channel: string; replies: number; text: string }[];
  cursor: string;
  more: boolean;
}

const catchUp: ToolSpec = {
  name: 'catch_up',
  description:
    'What you missed, within a budget of tokens: what is addressed to you, decisions, your tasks, the busy channels and threads. Call it first when you begin or wake up, then wait_for with its cursor.',
  effect: 'reads',
  operations: ['catchup.get'],
  arguments: {
    cursor: { says: 'From here on. Unless said: from what you have acknowledged.', schema: { type: 'string' } },
    max_tokens: { says: 'Tokens of the answer at most: 300 to 20000, 800 unless said.', schema: { type: 'integer' } },
  },
  plan({ cursor, max_tokens: budget }) {
    return {
      operation: 'catchup.get',
      input: { ...(cursor !== undefined && { after: cursor }), ...(budget !== undefined && { budget }) },
    };
  },
  tell({ agent, addressed, decisions, tasks, channels, threads, cursor, more }: Digest) {
    const section = (title: string, total: number, lines: string[]) =>
      total === 0 ? [] : [`${title} (${total}):`, ...lines];
    const counts = Object.entries(channels);
    return {
      fields: { agent, addressed, decisions, tasks, channels, threads, cursor, more },
      lines: [
        ...section(
          'for you',
          addressed.total,
          addressed.items.map(
            ({ id, reason, from, channel, text }) => `[${id}] ${reason} · ${from} in ${channel}: ${text}`,
          ),
        ),
        ...section(
          'decisions',
          decisions.total,
          decisions.items.map(({ id, from, text }) => `[${id}] ${from}: ${text}`),
        ),
        ...section(
          'your tasks',
          tasks.total,
          tasks.items.map(({ id, status, title }) => `[${id}] ${status}: ${title}`),
        ),
        ...threads.map(({ id, channel, replies, text }) => `[${id}] ${replies} replies in ${channel}: ${text}`),
        ...(counts.length > 0 ? [`messages: ${counts.map(([channel, n]) => `${channel} ${n}`).join(', ')}`] : []),
        ...(more ? ['there is more: call catch_up again with this cursor'] : []),
      ],
    };
  },
};

interface Waited {
  items?: MessageLike[];
  events?: { type: string; actor: string; subject?: string; data: MessageLike }[];
  count?: number;
  cursor: string;
  more?: boolean;
}

/** Text that events of messages say. */
const EventData = z.looseObject({ content: z.string().optional(), title: z.string().optional() });

const waitFor: ToolSpec = {
  name: 'wait_for',
  description:
    'Blocks until something is addressed to you, and answers at once where there is something after `cursor`: one call in place of polling. With types, subjects or channels: until such an event. Without anything it answers after 25 s with the same cursor: call it again.',
  effect: 'reads',
  operations: ['inbox.wait', 'events.list'],
  arguments: {
    cursor: { says: '`cursor` of any earlier answer. Unless said: now.', schema: { type: 'string' } },
    timeout: 'Seconds to wait at most: 25, or 600 where your client shows progress.',
    types: {
      says: 'Event types, as task_completed, message_posted.',
      schema: { type: 'array', items: { type: 'string' } },
    },
    subjects: { says: 'Ids of tasks or messages.', schema: { type: 'array', items: { type: 'string' } } },
    channels: { says: 'Names of channels.', schema: { type: 'array', items: { type: 'string' } } },
  },
  waits: () => true,
  plan({ cursor, timeout = 25, ...filter }) {
    const after = cursor === undefined ? {} : { after: cursor };
    return Object.keys(filter).length === 0
      ? { operation: 'inbox.wait', input: { ...after, timeout } }
      : { operation: 'events.list', input: { ...filter, ...after, all: true, wait: timeout, limit: 50 } };
  },
  tell(answer: Waited, { input }) {
    const { items, events, more } = answer;
    // Where nothing came, it goes on from where it was.
    const cursor = items?.length === 0 ? ((input.after as string | undefined) ?? answer.cursor) : answer.cursor;
    const lines = items?.map(messageLine) ?? events?.map(eventLine) ?? [];
    return {
      fields: { ...(items ? { items } : { events }), count: lines.length, cursor, ...(more && { more }) },
      lines:
        lines.length > 0
          ? [...lines, ...(more ? ['there is more: call it again with this cursor'] : [])]
          : ['nothing yet'],
    };
  },
};

function eventLine({ type, actor, subject, data }: NonNullable<Waited['events']>[number]): string {
  const { content, title } = EventData.parse(data);
  const text = content ?? title;
  return `${type} by ${actor}${subject === undefined ? '' : ` [${subject}]`}${text === undefined ? '' : `: ${messageText(text)}`}`;
}

function messageText(text: string): string {
  return text.length > 280 ? `${text.slice(0, 280).replace(/\s+/g, ' ')}…` : text.replace(/\s+/g, ' ');
}

const react: ToolSpec = {
  name: 'react',
  description: 'Adds a reaction to a message, or takes yours back: agrees or acknowledges without words.',
  effect: 'writes',
  operations: ['messages.react'],
  arguments: { id: 'The message.', emoji: 'An emoji or a short word.' },
  required: ['id', 'emoji'],
  tell: ({ message: { id, reactions } }: { message: { id: string; reactions: Record<string, string[]> } }) => ({
    fields: { success: true, id, reactions },
    lines: [
      `reactions of ${id}: ${
        Object.entries(reactions)
          .map(([emoji, by]) => `${emoji} ${by.join(', ')}`)
          .join(' · ') || 'none'
      }`,
    ],
  }),
};

export const messageTools = { postMessage, readMessages, inbox, catchUp, waitFor, react };
