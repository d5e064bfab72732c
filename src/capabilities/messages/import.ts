import { z } from 'zod';
import { type Context, command } from '../../kernel/capability.ts';
import type { Draft, Event } from '../../kernel/event.ts';
import { Author, fitsOneEvent, Outcome, outcomeOf, Time, TOO_LARGE } from '../../kernel/import.ts';
import { AgentName, Metadata } from '../../kernel/names.ts';
import { ChannelId } from '../channels/schema.ts';
import { type ChannelsState, dmChannel, dmEnds, findChannel } from '../channels/state.ts';
import { Attachment, Emoji, MessageId } from './schema.ts';
import type { Message, MessagesState } from './state.ts';

/** A message with its history: its own id, time and reactions. */
export const ImportedMessage = z
  .object({
    id: MessageId,
    from: Author,
    to: AgentName.optional(),
    content: z.string(),
    timestamp: Time,
    channel: ChannelId.default('general'),
    reactions: z.record(Emoji, z.array(Author)).default({}),
    threadId: MessageId.optional(),
    metadata: Metadata.optional(),
    attachments: z.array(Attachment).max(32).optional(),
    editedAt: Time.optional(),
  })
  .refine(({ channel, from }) => dmEnds(channel)?.includes(from) ?? true, {
    path: ['channel'],
    message: 'it is private, and the author is none of its ends',
  })
  .refine(fitsOneEvent, TOO_LARGE);
export type ImportedMessage = z.infer<typeof ImportedMessage>;

type State = MessagesState & ChannelsState;

/**
 * Takes over messages that were posted elsewhere; what is there already stays as it is. No door shows this: it says
 * who wrote what and when, and believes it. A parent must come before its replies; `replies` names those that may
 * be there from an earlier import, in which the parent could not be read.
 */
export const importMessages = command({
  name: 'messages.import',
  summary: 'Takes over messages with their ids, times and reactions.',
  http: [],
  input: z.object({
    messages: z.array(z.object({ message: ImportedMessage, replies: z.array(MessageId) })).max(500),
  }),
  output: z.object({ outcomes: z.array(Outcome) }),
  decide({ messages }, { state }: Context<State>) {
    const drafts: Draft[] = [];
    const made = new Map<string, Data>();
    const opened = new Set<string>();
    const find = (id: string) => made.get(id) ?? state.messages.get(id);
    for (const { message, replies } of messages) {
      if (find(message.id) !== undefined) continue;
      const data = toData(message, find);
      const { id, channel, from, timestamp } = data;
      if (!opened.has(channel) && findChannel(state, channel) === undefined) {
        drafts.push({
          type: 'channel_created',
          actor: from,
          subject: channel,
          data: { channel, name: channel, createdAt: timestamp },
        });
        opened.add(channel);
      }
      const replyCount = replies.filter((reply) => isLivingReply(find(reply), id)).length;
      made.set(id, data);
      drafts.push({
        type: 'message_posted',
        actor: from,
        subject: id,
        data: replyCount === 0 ? data : { ...data, replyCount },
      });
    }
    return drafts;
  },
  answer(events: readonly Event[], state: State, { messages }) {
    const posted = new Set(events.filter(({ type }) => type === 'message_posted').map(({ subject }) => subject));
    const find = (id: string) => state.messages.get(id);
    return {
      outcomes: messages.map(({ message }) =>
        posted.has(message.id) ? 'imported' : outcomeOf(toData(message, find), withoutCounts(find(message.id))),
      ),
    };
  },
});

type Data = Omit<Message, 'seq' | 'replyCount'> & Record<string, unknown>;

function toData(imported: ImportedMessage, find: (id: string) => Data | Message | undefined): Data {
  const { threadId, reactions, channel: _, to: __, attachments, ...message } = imported;
  const { channel, to } = place(imported);
  const thread = threadOf(imported, channel, find);
  return {
    ...message,
    ...(to !== undefined && { to }),
    channel,
    reactions: Object.fromEntries(
      Object.entries(reactions)
        .filter(([, agents]) => agents.length > 0)
        .map(([emoji, agents]) => [emoji, [...new Set(agents)]]),
    ),
    ...(thread !== undefined && { threadId: thread }),
    ...(attachments !== undefined && attachments.length > 0 && { attachments }),
  } as Data;
}

/** A private channel has its two ends in order, and its messages go to the other end. */
function place({ channel, from, to }: ImportedMessage): { channel: string; to: string | undefined } {
  const ends = dmEnds(channel);
  if (ends === undefined) return { channel, to };
  const end = ends[0] === from ? ends[1] : ends[0];
  return { channel: dmChannel(from, end), to: end };
}

/** The thread, where a reader of the one message may read the other; one level deep, as everywhere. */
function threadOf(
  { threadId, id }: ImportedMessage,
  channel: string,
  find: (id: string) => Data | Message | undefined,
): string | undefined {
  if (threadId === undefined) return undefined;
  const parent = find(threadId);
  const root = parent?.threadId ?? threadId;
  if (root === id) return undefined;
  const isPrivate = dmEnds(channel) !== undefined;
  if (parent === undefined) return isPrivate ? undefined : root;
  return parent.channel === channel || (!isPrivate && dmEnds(parent.channel) === undefined) ? root : undefined;
}

function isLivingReply(message: Data | Message | undefined, parent: string): boolean {
  return message?.threadId === parent && message.deletedAt === undefined;
}

function withoutCounts(message: Message | undefined): unknown {
  if (message === undefined) return undefined;
  const { seq: _, replyCount: __, ...rest } = message;
  return rest;
}
