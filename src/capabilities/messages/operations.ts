import { z } from 'zod';
import { type Context, command, type QueryContext, query } from '../../kernel/capability.ts';
import { formatCursor, parseCursor } from '../../kernel/cursor.ts';
import { Refusal } from '../../kernel/errors.ts';
import type { Draft } from '../../kernel/event.ts';
import { AgentName, wholeNumber } from '../../kernel/names.ts';
import { capBytes, LIST_BYTES, listInput, listOutput, pick, shorten } from '../../kernel/page.ts';
import { ChannelId } from '../channels/schema.ts';
import { type ChannelsState, dmChannel, dmEnds, findChannel, mayRead } from '../channels/state.ts';
import { type MessageRow, selectMessages, selectReplies, toMessage } from './projection.ts';
import { DeleteInput, EditInput, MessageId, Message as MessageOutput, ReactInput, SendInput } from './schema.ts';
import { type Message, type MessagesState, reactors } from './state.ts';

type State = MessagesState & ChannelsState;

const MessageAnswer = z.object({ success: z.literal(true), message: MessageOutput });

function missing(id: string): Refusal {
  return new Refusal('message_not_found', `There is no message "${id}".`, { error: 'Message not found' });
}

/** The message, where it is there for this agent. Another's direct message is as if it were not. */
function find(state: MessagesState, id: string, agent: string | undefined): Message {
  const message = state.messages.get(id);
  if (message === undefined || !mayRead(message.channel, agent)) throw missing(id);
  return message;
}

/** The same, where nothing may be added to a tombstone. */
function findAlive(state: MessagesState, id: string, agent: string | undefined): Message {
  const message = find(state, id, agent);
  if (message.deletedAt !== undefined)
    throw new Refusal('message_deleted', `The message "${id}" was deleted.`, { error: 'Message not found' });
  return message;
}

function findOwn(state: MessagesState, id: string, from: string): Message {
  const message = findAlive(state, id, from);
  if (message.from !== from)
    throw new Refusal('not_the_author', `The message was posted by "${message.from}", not by "${from}".`);
  return message;
}

/** Where a message goes: the channel, and the other end of a direct message. */
function address(
  input: z.infer<typeof SendInput>,
  state: State,
): { channel: string; to: string | undefined; threadId: string | undefined } {
  const { from, to } = input;
  if (input.threadId !== undefined) {
    const parent = findAlive(state, input.threadId, from);
    if (input.channel !== undefined && input.channel !== parent.channel) {
      throw new Refusal('thread_in_other_channel', `The thread is in "${parent.channel}", not in "${input.channel}".`);
    }
    const end = otherEnd(parent.channel, from);
    if (end !== undefined && to !== undefined && to !== end)
      throw new Refusal('thread_in_other_channel', `The thread is private to "${from}" and "${end}".`);
    // Threads are one level deep: a reply to a reply joins its thread.
    return { channel: parent.channel, to: end ?? to, threadId: parent.threadId ?? parent.id };
  }
  const channel = input.channel ?? (to === undefined ? 'general' : dmChannel(from, to));
  const end = otherEnd(channel, from);
  if (!mayRead(channel, from))
    throw new Refusal('not_a_party', `"${channel}" is private, and "${from}" is none of its ends.`);
  if (end !== undefined && dmChannel(from, end) !== channel)
    throw new Refusal('invalid_input', `The channel of the two is "${dmChannel(from, end)}".`);
  if (end !== undefined && to !== undefined && to !== end)
    throw new Refusal('invalid_input', `"${channel}" is private to its ends; "${to}" is none of them.`);
  return { channel, to: end ?? to, threadId: undefined };
}

function otherEnd(channel: string, from: string): string | undefined {
  const ends = dmEnds(channel);
  return ends && (ends[0] === from ? ends[1] : ends[0]);
}

const send = command({
  name: 'messages.send',
  summary: 'Posts a message to a channel, to a thread, or to one agent.',
  http: ['POST /chat/messages'],
  actor: 'from',
  complaint: 'from and content are required',
  input: SendInput,
  output: MessageAnswer,
  decide(input, context: Context<State>) {
    const { state, now, seq } = context;
    const { channel, to, threadId } = address(input, state);
    const existing = findChannel(state, channel);
    if (existing?.archived) throw new Refusal('channel_archived', `"${channel}" is archived.`);
    const drafts: Draft[] = [];
    if (existing === undefined)
      drafts.push({ type: 'channel_created', subject: channel, data: { channel, name: channel } });
    const timestamp = now + drafts.length;
    const id = context.id('msg');
    const { from, content, metadata, attachments } = input;
    const at = seq + drafts.length;
    const reactions = {};
    // Written out, not spread: an object of a known shape makes a whole post cheaper by a sixth.
    const data: Record<string, unknown> =
      to === undefined
        ? { id, from, content, timestamp, channel, reactions, seq: at }
        : { id, from, to, content, timestamp, channel, reactions, seq: at };
    if (threadId !== undefined) data.threadId = threadId;
    if (metadata !== undefined) data.metadata = metadata;
    if (attachments !== undefined && attachments.length > 0) data.attachments = attachments;
    drafts.push({ type: 'message_posted', subject: id, data });
    return drafts;
  },
  answer: (events, state: State) => answerWith(state, events.at(-1)?.subject as string),
});

function answerWith(state: MessagesState, id: string): z.input<typeof MessageAnswer> {
  return { success: true, message: state.messages.get(id) as z.input<typeof MessageOutput> };
}

const edit = command({
  name: 'messages.edit',
  summary: 'Changes the text of a message; only its author may.',
  http: ['PATCH /chat/messages/:id'],
  actor: 'from',
  complaint: 'from and content are required',
  input: EditInput,
  output: MessageAnswer,
  decide({ id, from, content }, { state }: Context<State>) {
    const message = findOwn(state, id, from);
    if (message.content === content) return [];
    return [{ type: 'message_edited', subject: id, data: { id, channel: message.channel, from, content } }];
  },
  answer: (_, state: State, { id }) => answerWith(state, id),
});

const remove = command({
  name: 'messages.delete',
  summary: 'Deletes a message and leaves a tombstone; only its author may.',
  http: ['DELETE /chat/messages/:id'],
  actor: 'from',
  complaint: 'from is required',
  input: DeleteInput,
  output: z.object({ success: z.literal(true) }),
  decide({ id, from }, { state }: Context<State>) {
    const { channel, threadId } = findOwn(state, id, from);
    return [
      {
        type: 'message_deleted',
        subject: id,
        data: { id, channel, from, ...(threadId !== undefined && { threadId }) },
      },
    ];
  },
  answer: () => ({ success: true as const }),
});

const react = command({
  name: 'messages.react',
  summary: 'Adds a reaction, or takes it back.',
  http: ['POST /chat/messages/:id/react'],
  actor: 'from',
  complaint: 'emoji and from are required',
  input: ReactInput,
  output: MessageAnswer,
  decide({ id, from, emoji }, { state }: Context<State>) {
    const message = findAlive(state, id, from);
    const added = !reactors(message, emoji).includes(from);
    return [
      { type: 'message_reacted', subject: id, data: { id, channel: message.channel, emoji, agent: from, added } },
    ];
  },
  answer: (_, state: State, { id }) => answerWith(state, id),
});

const caller = { agent: AgentName.optional().describe('Who asks; needed to see direct messages.') };

const get = query({
  name: 'messages.get',
  summary: 'One message.',
  http: ['GET /chat/messages/:id'],
  actor: 'agent',
  input: z.object({ id: MessageId, ...caller }),
  output: z.object({ message: MessageOutput }),
  run: ({ id }, { state, agent }: QueryContext<State>) => ({
    message: findAlive(state, id, agent) as z.input<typeof MessageOutput>,
  }),
});

const reactions = query({
  name: 'messages.reactions',
  summary: 'The reactions of a message: emoji → agents.',
  http: ['GET /chat/messages/:id/reactions'],
  actor: 'agent',
  input: z.object({ id: MessageId, ...caller }),
  output: z.object({ reactions: MessageOutput.shape.reactions }),
  run: ({ id }, { state, agent }: QueryContext<State>) => ({
    reactions: findAlive(state, id, agent).reactions as Record<string, string[]>,
  }),
});

const time = wholeNumber(0, Number.MAX_SAFE_INTEGER).optional();
const listFields = listInput(100, 1_000);

const list = query({
  name: 'messages.list',
  summary: 'The newest messages that match, oldest first.',
  http: ['GET /chat/messages'],
  actor: 'agent',
  input: z.object({
    from: AgentName.optional().describe('Posted by this agent.'),
    to: AgentName.optional().describe('Addressed to this agent.'),
    channel: ChannelId.optional(),
    since: time.describe('Not before this time, in milliseconds since 1970.'),
    before: time.describe('Before this time.'),
    after: time.describe('After this time.'),
    ...listFields,
    ...caller,
  }),
  output: z.object({ messages: z.array(MessageOutput.partial()), ...listOutput }),
  async run({ limit, cursor, fields, compact, agent: _, ...filter }, context: QueryContext<State>) {
    const { epoch } = context;
    requireParty(filter.channel, context.agent);
    const beforeSeq = place(cursor, context);
    const { sql, params } = selectMessages({ ...filter, beforeSeq }, context.agent, limit + 1);
    const rows = await context.index((view) => view.all<MessageRow>(sql, ...params));
    return answerList(rows, limit, epoch, fields, compact);
  },
});

const search = query({
  name: 'messages.search',
  summary: 'The newest messages that contain a text, oldest first.',
  http: ['GET /chat/search'],
  actor: 'agent',
  complaint: 'query parameter "q" is required',
  input: z.object({
    q: z.string().min(1).max(512),
    channel: ChannelId.optional(),
    from: AgentName.optional(),
    ...listFields,
    ...caller,
  }),
  output: z.object({ messages: z.array(MessageOutput.partial()), count: z.number(), ...listOutput }),
  async run({ q, channel, from, limit, cursor, fields, compact }, context: QueryContext<State>) {
    const { epoch } = context;
    requireParty(channel, context.agent);
    const { sql, params } = selectMessages(
      { channel, from, text: q, beforeSeq: place(cursor, context) },
      context.agent,
      limit + 1,
    );
    const answer = answerList(await context.scan<MessageRow>(sql, ...params), limit, epoch, fields, compact);
    return { ...answer, count: answer.messages.length };
  },
});

const thread = query({
  name: 'messages.thread',
  summary: 'A message and its replies, oldest first.',
  http: ['GET /chat/messages/:id/thread'],
  actor: 'agent',
  input: z.object({ id: MessageId, ...listInput(1_000, 1_000), ...caller }),
  output: z.object({ messages: z.array(MessageOutput.partial()), count: z.number(), ...listOutput }),
  async run({ id, limit, cursor, fields, compact }, context: QueryContext<State>) {
    const asked = find(context.state, id, context.agent);
    const root = asked.threadId ?? asked.id;
    // An imported reply may be in a thread whose first message was lost.
    const parent = asked.threadId === undefined ? asked : context.state.messages.get(root);
    if (parent !== undefined && !mayRead(parent.channel, context.agent)) throw missing(root);
    if (parent?.deletedAt !== undefined && !parent.replyCount)
      throw new Refusal('message_deleted', `The message "${id}" was deleted.`, { error: 'Message not found' });
    const after = place(cursor, context);
    const first = after === undefined && parent ? present([parent], fields, compact) : [];
    const room = limit - first.length;
    const rows = await context.index((view) => selectReplies(view, root, after ?? 0, room + 1));
    const { taken, cut } = presentRows(rows.slice(0, room), fields, compact, first);
    const more = cut || rows.length > room;
    return {
      messages: [...first, ...taken.map(({ item }) => item)],
      count: parent ? 1 + (parent.replyCount ?? 0) : taken.length,
      ...(more && { more, cursor: formatCursor(context.epoch, taken.at(-1)?.seq ?? after ?? 0) }),
    };
  },
});

function requireParty(channel: string | undefined, agent: string | undefined): void {
  if (channel !== undefined && !mayRead(channel, agent))
    throw new Refusal('not_a_party', `"${channel}" is private to its two ends.`);
}

function place(cursor: string | undefined, { epoch, feed: { head } }: QueryContext<State>): number | undefined {
  if (cursor === undefined) return undefined;
  const place = parseCursor(cursor, epoch);
  if (place.epoch !== epoch) throw new Refusal('cursor_gone', 'The cursor belongs to another epoch of the journal.');
  // A cursor of an epoch that is this one, and of an event that is not there: of a journal that was longer.
  if (place.seq > head) throw new Refusal('cursor_gone', 'The cursor is ahead of the journal.');
  return place.seq;
}

/** Rows are newest first; the answer is oldest first and goes on towards older ones. */
function answerList(
  rows: readonly MessageRow[],
  limit: number,
  epoch: string,
  fields: string | undefined,
  compact: boolean | undefined,
) {
  const { taken, cut } = presentRows(rows.slice(0, limit), fields, compact);
  const more = cut || rows.length > limit;
  return {
    messages: taken.map(({ item }) => item).reverse(),
    ...(more && { more, cursor: formatCursor(epoch, taken.at(-1)?.seq ?? 0) }),
  };
}

type Presented = z.input<typeof MessageOutput>;

/** Rows as they are shown, as many from the front as the byte cap holds beside `first`. */
function presentRows(
  rows: readonly MessageRow[],
  fields: string | undefined,
  compact: boolean | undefined,
  first: readonly Presented[] = [],
): { taken: { seq: number; item: Presented }[]; cut: boolean } {
  const whole = fields === undefined && !compact;
  const items = rows.map((row) => ({
    doc: row.doc,
    seq: row.seq,
    item: present([toMessage(row)], fields, compact)[0] as Presented,
  }));
  return capBytes(
    items,
    // A whole message is its row and the count of its replies.
    ({ doc, item }) => (whole ? Buffer.byteLength(doc) + REPLY_COUNT_BYTES : bytesOf(item)),
    LIST_BYTES - bytesOf(first),
  );
}

/** `,"replyCount":0` and the comma after the message. */
const REPLY_COUNT_BYTES = 16;

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value)) + 1;
}

/** Characters of a message in a compact list. */
const COMPACT = 280;

function present(
  messages: readonly Message[],
  fields: string | undefined,
  compact: boolean | undefined,
): z.input<typeof MessageOutput>[] {
  const shown = messages.map((message) =>
    compact ? toCompact(message) : { ...message, replyCount: message.replyCount ?? 0 },
  );
  return pick(shown, fields) as z.input<typeof MessageOutput>[];
}

function toCompact({
  id,
  from,
  to,
  content,
  timestamp,
  channel,
  threadId,
  replyCount,
  reactions,
}: Message): Partial<Message> {
  return {
    id,
    from,
    ...(to !== undefined && { to }),
    content: shorten(content, COMPACT),
    timestamp,
    channel,
    ...(threadId !== undefined && { threadId }),
    ...(replyCount && { replyCount }),
    ...(Object.keys(reactions).length > 0 && { reactions }),
  };
}

export const operations = [send, list, get, thread, reactions, react, edit, remove, search];
