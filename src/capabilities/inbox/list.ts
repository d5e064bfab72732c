import { z } from 'zod';
import { type Context, command, type QueryContext } from '../../kernel/capability.ts';
import type { Draft } from '../../kernel/event.ts';
import { flag, wholeNumber } from '../../kernel/names.ts';
import { capBytes, listInput, pick, shorten } from '../../kernel/page.ts';
import { type Entry, type Priority, selectInbox } from './listing.ts';
import { agent, InboxMessage, wait } from './schema.ts';
import { followed, type Inbox, type InboxState, inboxOf, ofOthers } from './state.ts';

/** Milliseconds until what was given to be acknowledged, and was not, is given again. */
const REDELIVERY_MS = 10 * 60_000;

/** Items that are given to be acknowledged at a time: one event tells of them. */
const GIVEN = 1_000;

const { limit, fields, compact } = listInput(100, GIVEN);

const ListInput = z.object({
  agent,
  priority: z.enum(['high', 'medium', 'low']).optional(),
  since: wholeNumber(0, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('Not before this time, in milliseconds since 1970.'),
  peek: flag.optional().describe('1: nothing counts as read.'),
  ack: z
    .enum(['explicit'])
    .optional()
    .describe('explicit: what is answered is yours to acknowledge; what is not, comes again after 10 minutes.'),
  wait,
  limit,
  fields,
  compact,
});

/** An agent's position as it was when its inbox was read. */
export interface Capture {
  upTo: number;
  inbox: Inbox;
  addressed: number;
  mentions: number;
  seen: Record<string, number>;
}

/** Takes down how much there is for an agent as of the newest event: what comes later is not among it. */
export function capture(state: InboxState, agent: string, upTo: number): Capture {
  const inbox = inboxOf(state, agent);
  const seen: Record<string, number> = {};
  for (const channel of followed(inbox)) seen[channel] = ofOthers(state, agent, channel);
  return { upTo, inbox, addressed: inbox.addressed, mentions: inbox.mentions, seen };
}

interface Read extends Capture {
  entries: Entry[];
  more: boolean;
}

export const list = command({
  name: 'inbox.list',
  summary: 'What is for an agent and not acknowledged: high first, then newest first.',
  http: ['GET /inbox/:agent'],
  actor: 'agent',
  input: ListInput,
  output: z.object({
    messages: z.array(InboxMessage.partial()),
    count: z.number(),
    more: z
      .boolean()
      .optional()
      .meta({ description: 'True where there is more: acknowledge, or ask for a larger limit.' }),
  }),
  async prepare({ agent, priority, since = 0, limit }, context: QueryContext<InboxState>): Promise<Read> {
    const taken = capture(context.state, agent, context.head);
    const priorities: Priority[] = priority === undefined ? ['high', 'medium', 'low'] : [priority];
    const window = { after: taken.inbox.ackedUpTo, upTo: taken.upTo, since, now: context.now };
    const found = await context.index((view) => selectInbox(view, taken.inbox, window, priorities, limit + 1));
    const { taken: entries, cut } = capBytes(
      found.slice(0, limit),
      ({ message }) => Buffer.byteLength(JSON.stringify(message)) + 64,
    );
    return { ...taken, entries, more: cut || found.length > limit };
  },
  decide({ agent, priority, since, peek, ack }, { state, now }: Context<InboxState>, read): Draft[] {
    if (peek) return [];
    if (ack === 'explicit') {
      if (read.entries.length === 0) return [];
      const items = read.entries.map(({ seq }) => seq);
      return [{ type: 'inbox_delivered', subject: agent, data: { agent, items, until: now + REDELIVERY_MS } }];
    }
    // Past what was answered, and not past what was left out.
    const whole = !read.more && priority === undefined && since === undefined;
    if (!whole || read.upTo <= inboxOf(state, agent).readUpTo || nothingNew(read)) return [];
    return [{ type: 'inbox_read', subject: agent, data: { agent, ...positionOf(read, state) } }];
  },
  wait: {
    idle: (_, __: Context<InboxState>, read: Read) => read.entries.length === 0,
    keys: ({ agent }, state) => [
      `to ${agent}`,
      `follows ${agent}`,
      ...followed(inboxOf(state, agent)).map((channel) => `in ${channel}`),
    ],
  },
  answer(_, __: InboxState, { fields, compact }, { entries, more }) {
    const shown = entries.map(({ message, priority, reason }) =>
      compact ? toCompact({ ...message, priority, reason }) : { ...message, priority, reason },
    );
    return {
      messages: pick(shown, fields) as z.input<typeof InboxMessage>[],
      count: entries.length,
      ...(more && { more: true as const }),
    };
  },
});

/** True where everything there is had been read before. */
function nothingNew({ inbox, addressed, mentions, seen }: Capture): boolean {
  return (
    inbox.addressedSeen === addressed &&
    inbox.mentionsSeen === mentions &&
    Object.entries(seen).every(([channel, n]) => (inbox.seen[channel] ?? 0) === n)
  );
}

/**
 * Where an agent stands after it has read all of a capture. Something that was acknowledged or deleted meanwhile may be
 * counted as unread once more until it reads again; nothing that is unread is taken for read.
 */
export function positionOf({ upTo, inbox, addressed, mentions, seen }: Capture, state: InboxState) {
  const changes = inboxOf(state, inbox.agent).version - inbox.version;
  return {
    upTo,
    addressed: addressed - changes,
    mentions: mentions - changes,
    seen: Object.fromEntries(Object.entries(seen).map(([channel, n]) => [channel, n - changes])),
  };
}

const COMPACT = 280;

function toCompact(message: Entry['message'] & { priority: Priority; reason: Entry['reason'] }) {
  const { id, from, content, channel, timestamp, threadId, priority, reason } = message;
  return {
    id,
    from,
    content: shorten(content, COMPACT),
    channel,
    timestamp,
    ...(threadId !== undefined && { threadId }),
    priority,
    reason,
  };
}
