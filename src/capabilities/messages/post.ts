import type { z } from 'zod';
import type { Context, LiveCollection } from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import type { Draft, Event } from '../../kernel/event.ts';
import { ANONYMOUS, SYSTEM } from '../../kernel/names.ts';
import { type NamedAgents, resolveAgent } from '../agents/index.ts';
import { type Channel, type ChannelsState, dmEnds, findChannel } from '../channels/state.ts';
import { followed, type InboxState, inboxOf } from '../inbox/state.ts';
import type { Presence } from '../presence/state.ts';
import { signOfLife } from '../tasks/index.ts';
import type { Task, TasksState } from '../tasks/state.ts';
import { address } from './address.ts';
import { type ExchangesState, guardLoop } from './loop-guard.ts';
import { namesIn } from './mentions.ts';
import type { SendInput } from './schema.ts';
import type { MessagesState } from './state.ts';

/** What is looked at when a message is posted. */
export type PostState = MessagesState &
  ChannelsState &
  Omit<InboxState, 'messages' | 'tasks'> &
  TasksState &
  Pick<ExchangesState, 'exchanges'> &
  NamedAgents & { presences?: LiveCollection<Presence> };

/** The events of a post: its channel where that is new, the message and, in a task's thread, the holder's sign of life. Throws `loop_guard`. */
export function draftsOfPost(input: z.infer<typeof SendInput>, context: Context<PostState>): Draft[] {
  const { state, now, seq } = context;
  const { channel, to, threadId, task } = address(input, state);
  const existing = findChannel(state, channel);
  if (existing?.archived) throw new Refusal('channel_archived', `"${channel}" is archived.`);
  const { from, content, metadata, attachments } = input;
  const mentions = content.includes('@') ? mentioned(content, from, channel, state) : [];
  const loop = guardLoop({ from, to, channel, threadId, mentions }, context);
  const drafts: Draft[] = [];
  if (existing === undefined)
    drafts.push({ type: 'channel_created', subject: channel, data: { channel, name: channel } });
  const timestamp = now + drafts.length;
  const id = context.id('msg');
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
  if (mentions.length > 0) data.mentions = mentions;
  if (task !== undefined) {
    const notify = partiesOf(task, existing, from);
    if (notify.length > 0) data.notify = notify;
  }
  drafts.push({ type: 'message_posted', subject: id, data });
  if (task !== undefined) drafts.push(...signOfLife(task, from, context.wall));
  if (loop.length > 0) drafts.push(...loop);
  return drafts;
}

/** Agents that a message mentions at most, by `@channel` all who follow the channel. */
const MOST_MENTIONED = 1_000;

/** Whom a message names. What is private to two names nobody else. */
function mentioned(content: string, from: string, channel: string, state: PostState): string[] {
  if (dmEnds(channel) !== undefined) return [];
  const names = new Set<string>();
  for (const name of namesIn(content, (written) => resolveAgent(state, written))) {
    if (name !== 'channel') names.add(name);
    else for (const agent of followers(channel, state)) names.add(agent);
  }
  names.delete(from);
  return [...names].slice(0, MOST_MENTIONED);
}

/** Agents that are told of a comment at most, beside those whom it names. */
const MOST_TOLD = 50;

/** Who does, made or reviews a task, then who has spoken in its thread. */
function partiesOf({ assignee, createdBy, reviewer }: Task, thread: Channel | undefined, from: string): string[] {
  const names = new Set([assignee, createdBy, reviewer, ...(thread?.participants ?? [])]);
  for (const each of [undefined, from, ANONYMOUS, SYSTEM]) names.delete(each);
  return ([...names] as string[]).slice(0, MOST_TOLD);
}

/** All who have acted here, and all who are here and have not: one may wait for its first word. */
function* followers(channel: string, state: PostState): Generator<string, void> {
  const follows = (name: string) => followed(inboxOf(state, name)).includes(channel);
  for (const { name } of state.agents.values()) if (follows(name)) yield name;
  for (const { agent, status } of state.presences?.values() ?? [])
    if (status !== 'offline' && follows(agent)) yield agent;
}

/** The id of the message that the events of a post made. */
export function postedBy(events: readonly Event[]): string {
  return events.find(({ type }) => type === 'message_posted')?.subject as string;
}
