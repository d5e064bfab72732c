import { z } from 'zod';
import { type QueryContext, query } from '../../kernel/capability.ts';
import { formatCursor, placeOf } from '../../kernel/cursor.ts';
import { Refusal } from '../../kernel/errors.ts';
import { AgentName, wholeNumber } from '../../kernel/names.ts';
import { listInput, listOutput } from '../../kernel/page.ts';
import { ChannelId } from '../channels/schema.ts';
import { type ChannelsState, mayRead, TASK_THREAD } from '../channels/state.ts';
import { find, findAlive, missing, requireParty } from './access.ts';
import { answerList, present, presentRows } from './listing.ts';
import { selectThread } from './notes.ts';
import { type MessageRow, selectMessages, selectReplies } from './projection.ts';
import { MessageId, Message as MessageOutput } from './schema.ts';
import type { MessagesState } from './state.ts';

type State = MessagesState & ChannelsState;

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

/** Messages of a channel that are looked through at once. */
const STEPS = 5_000;

/** How many messages are in a channel, and how many of them are an agent's own. */
function postsIn({ channels, post_counts }: State, channel: string, agent: string): { all: number; own: number } {
  return { all: channels.get(channel)?.count ?? 0, own: post_counts.get(`${agent} ${channel}`)?.n ?? 0 };
}

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
    const { channel, from } = filter;
    const posts = channel !== undefined && from !== undefined ? postsIn(context.state, channel, from) : undefined;
    const rare = posts && posts.all * (limit + 1) > STEPS * posts.own;
    const place = { ...filter, rare, beforeSeq: placeOf(cursor, context) };
    const { sql, params } = selectMessages(place, context.agent, limit + 1);
    if (posts?.own === 0) return answerList([], limit, epoch, fields, compact);
    // No index has channel and sender, so one of them is looked through, on a thread of its own where that may be long.
    if (posts && posts.all > STEPS)
      return answerList(await context.scan<MessageRow>(sql, ...params), limit, epoch, fields, compact);
    const rows = await context.index((view) =>
      filter.channel?.startsWith(TASK_THREAD)
        ? selectThread(view, filter.channel, place, limit + 1)
        : view.all<MessageRow>(sql, ...params),
    );
    return answerList(rows, limit, epoch, fields, compact);
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
    const after = placeOf(cursor, context);
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

/** What can be asked about messages. */
export const queries = { list, get, thread, reactions };
