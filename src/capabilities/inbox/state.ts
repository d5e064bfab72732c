import type { Entities } from '../../kernel/collection.ts';
import type { Event } from '../../kernel/event.ts';
import type { ChannelsState } from '../channels/state.ts';

/** Why something is in an inbox. */
export type Reason = 'dm' | 'mention' | 'thread' | 'assigned' | 'unblocked' | 'review' | 'reviewed';

/** What an agent follows, what it has read and acknowledged, and how much is addressed to it. Seqs, not times. */
export interface Inbox {
  agent: string;
  /** Channels; the defaults where absent. */
  subscriptions?: readonly string[];
  /** Everything up to this event was read, or acknowledged. */
  readUpTo: number;
  ackedUpTo: number;
  /** Kept, not counted: what was ever addressed to the agent, and how much of it is not unread any more. */
  addressed: number;
  addressedSeen: number;
  mentions: number;
  mentionsSeen: number;
  /** By channel: how many of the messages of others there are not unread any more. */
  seen: Readonly<Record<string, number>>;
  /** By channel: the event since when it is followed. What was posted before is not unread. */
  since?: Readonly<Record<string, number>>;
  /** Changes of what is unread otherwise than by new messages: what was read before such a change is not exact. */
  version: number;
  /** From an import: ids that were acknowledged, and the time up to which all was read. */
  acknowledged?: readonly string[];
  lastReadAt?: number;
}

/** Something that is addressed to one agent. */
export interface InboxItem {
  /** The event and the place of the agent among those to whom it is addressed: {@link itemSeq}. */
  seq: number;
  agent: string;
  event: number;
  at: number;
  reason: Reason;
  from: string;
  channel: string;
  /** The message, or the task. */
  message?: string;
  task?: string;
  /** What is said of the task. */
  text?: string;
}

/** What an agent acknowledged by itself, or was given to acknowledge until a time. */
export interface InboxAck {
  seq: number;
  agent: string;
  item: number;
  until?: number;
}

/** True where an item was acknowledged for good, and not only given to be. */
export function isAcknowledged(ack: InboxAck | undefined): boolean {
  return ack !== undefined && ack.until === undefined;
}

/** Of a message, what an inbox asks. */
interface Posted {
  id: string;
  from: string;
  to?: string;
  channel: string;
  threadId?: string;
  mentions?: readonly string[];
  /** Who has to do with the task in whose thread it is. */
  notify?: readonly string[];
  seq: number;
}

export interface InboxState extends ChannelsState {
  inboxes: Entities<Inbox> & { values(): IterableIterator<Inbox> };
  inbox_items: Entities<InboxItem>;
  inbox_acks: Entities<InboxAck>;
  /** By the first message's id: who has spoken in the thread, and that message's seq. */
  thread_participants: Entities<{ seq: number; agents: readonly string[] }>;
  messages: Entities<object>;
  tasks: Entities<object>;
}

/** The channels that an agent's inbox follows until it says otherwise. */
const DEFAULTS = ['general', 'decisions', 'problems', 'shipping'];

/** Agents to whom one event may be addressed. */
const MOST = 1_000;

/** One number for an event and one of the agents to whom it is addressed. */
export function itemSeq(event: number, place: number): number {
  return event * 1_024 + place;
}

export function itemId(agent: string, event: number): string {
  return `${agent} ${event}`;
}

/** The inbox of an agent; one that was never used is empty. */
export function inboxOf(state: InboxState, agent: string): Inbox {
  return (
    state.inboxes.get(agent) ?? {
      agent,
      readUpTo: 0,
      ackedUpTo: 0,
      addressed: 0,
      addressedSeen: 0,
      mentions: 0,
      mentionsSeen: 0,
      seen: {},
      version: 0,
    }
  );
}

/** The channels that an inbox follows. */
export function followed({ subscriptions }: Pick<Inbox, 'subscriptions'>): readonly string[] {
  return subscriptions ?? DEFAULTS;
}

/** The event up to which nothing in a channel is unread. */
export function readUpToIn({ readUpTo, since }: Pick<Inbox, 'readUpTo' | 'since'>, channel: string): number {
  return Math.max(readUpTo, since?.[channel] ?? 0);
}

/** Messages of others in a channel. */
export function ofOthers(state: InboxState, agent: string, channel: string): number {
  const posted = state.channels.get(channel)?.count ?? 0;
  return posted - (state.post_counts.get(`${agent} ${channel}`)?.n ?? 0);
}

/** What an agent has not read: all of it, and what mentions it. Costs the same however much there is. */
export function unreadOf(state: InboxState, agent: string): { unread: number; mentions: number } {
  const inbox = inboxOf(state, agent);
  let unread = inbox.addressed - inbox.addressedSeen;
  for (const channel of followed(inbox))
    unread += Math.max(0, ofOthers(state, agent, channel) - (inbox.seen[channel] ?? 0));
  return { unread, mentions: inbox.mentions - inbox.mentionsSeen };
}

/** To whom an event is addressed, and why; nobody twice, and nobody by its own act. */
export function addressees(state: InboxState, event: Event): Map<string, Reason> {
  const to = new Map<string, Reason>();
  const add = (agent: unknown, reason: Reason) => {
    if (typeof agent === 'string' && agent !== event.actor && !to.has(agent) && to.size < MOST) to.set(agent, reason);
  };
  const { data } = event;
  switch (event.type) {
    case 'message_posted': {
      const { to: end, mentions, notify, threadId } = data as unknown as Posted;
      add(end, 'dm');
      for (const agent of mentions ?? []) add(agent, 'mention');
      for (const agent of notify ?? []) add(agent, 'thread');
      for (const agent of threadId === undefined ? [] : (participants(state, threadId)?.agents ?? []))
        add(agent, 'thread');
      break;
    }
    case 'task_assigned':
      add(data.assignee, 'assigned');
      break;
    case 'task_unblocked':
      add(data.assignee, 'unblocked');
      break;
    case 'task_reviewed':
      add(data.assignee, 'reviewed');
      break;
    case 'task_created':
      if (data.status === 'validating') add(data.reviewer, 'review');
      break;
    case 'task_updated':
    case 'task_completed':
      if (asksForReview(data)) add(reviewerOf(state, data), 'review');
      break;
  }
  return to;
}

/** Whom events that are still at hand were addressed to, as they were folded. */
const TOLD = new WeakMap<Event, ReadonlyMap<string, Reason>>();

/** The same of an event that was folded: what happened since does not matter, as far as it is known. */
export function toldBy(state: InboxState, event: Event): ReadonlyMap<string, Reason> {
  return TOLD.get(event) ?? addressees(state, event);
}

/**
 * True where an event was addressed to the agent when it happened: it may have begun to speak in a thread since, or to
 * review a task.
 */
export function wasAddressed(state: InboxState, event: Event, agent: string): boolean {
  const told = TOLD.get(event);
  if (told) return told.has(agent);
  const { type, data } = event;
  const mayBe =
    type === 'task_updated' || type === 'task_completed' ? asksForReview(data) : addressees(state, event).has(agent);
  return mayBe && state.inbox_items.get(itemId(agent, event.seq)) !== undefined;
}

interface Review {
  status?: string;
  /** `null`: nobody any more. */
  reviewer?: string | null;
}

function asksForReview({ changes, status }: Event['data']): boolean {
  const { status: becomes, reviewer } = (changes ?? {}) as Review;
  return becomes === 'validating' || (typeof reviewer === 'string' && status === 'validating');
}

function reviewerOf(state: InboxState, { changes, id }: Event['data']): string | null | undefined {
  const { reviewer } = (changes ?? {}) as Review;
  return reviewer === undefined ? (state.tasks.get(id as string) as Review | undefined)?.reviewer : reviewer;
}

/** Who has spoken in a thread before; undefined where its first message is not there. */
function participants(state: InboxState, threadId: string): { seq: number; agents: readonly string[] } | undefined {
  const known = state.thread_participants.get(threadId);
  const first = known ? undefined : (state.messages.get(threadId) as Posted | undefined);
  return known ?? (first && { seq: first.seq, agents: first.from === 'system' ? [] : [first.from] });
}

function join(state: InboxState, { data, actor }: Event): void {
  const threadId = data.threadId as string | undefined;
  const before = threadId === undefined ? undefined : participants(state, threadId);
  if (threadId !== undefined && before && !before.agents.includes(actor) && before.agents.length < MOST)
    state.thread_participants.put(threadId, { ...before, agents: [...before.agents, actor] });
}

/** Folds inboxes. It comes before messages and tasks, and sees them as they were before the event. */
export function apply(state: InboxState, event: Event): void {
  const { type } = event;
  if (type === 'message_deleted') return forget(state, event);
  if (type === 'message_posted' || type.startsWith('task_')) return deliver(state, event);
  if (!type.startsWith('inbox_')) return;
  const before = inboxOf(state, event.data.agent as string);
  switch (type) {
    case 'inbox_imported':
      takeOver(state, before, event);
      break;
    case 'inbox_subscribed': {
      const { channels } = event.data as { channels: string[] };
      const seen = { ...before.seen };
      const since = { ...before.since };
      // What is followed from now on is new from now on.
      for (const each of channels) {
        if (followed(before).includes(each)) continue;
        seen[each] = ofOthers(state, before.agent, each);
        since[each] = event.seq;
      }
      state.inboxes.put(before.agent, { ...before, subscriptions: channels, seen, since });
      break;
    }
    case 'inbox_read':
    case 'inbox_acknowledged':
      advance(state, before, event);
      break;
    case 'inbox_delivered': {
      const { items, until } = event.data as { items: number[]; until: number };
      items.forEach((item, i) => {
        const id = itemId(before.agent, item);
        // It may have been acknowledged since it was read.
        if (isAcknowledged(state.inbox_acks.get(id))) return;
        state.inbox_acks.put(id, { seq: itemSeq(event.seq, i), agent: before.agent, item, until });
      });
      break;
    }
  }
}

function deliver(state: InboxState, event: Event): void {
  let place = 0;
  const to = addressees(state, event);
  if (to.size > 0) TOLD.set(event, to);
  for (const [agent, reason] of to) {
    const { data } = event;
    const isMessage = event.type === 'message_posted';
    const channel = isMessage ? (data.channel as string) : `task:${data.id}`;
    state.inbox_items.put(itemId(agent, event.seq), {
      seq: itemSeq(event.seq, place++),
      agent,
      event: event.seq,
      at: isMessage ? (data.timestamp as number) : event.at,
      reason,
      from: event.actor,
      channel,
      ...(isMessage ? { message: data.id as string } : { task: data.id as string, text: textOf(data) }),
    });
    const before = inboxOf(state, agent);
    const after: Inbox = { ...before, addressed: before.addressed + 1 };
    if (reason === 'mention') after.mentions++;
    // It is counted as addressed, and not once more as a message of a channel that is followed.
    if (isMessage && followed(before).includes(channel))
      after.seen = { ...before.seen, [channel]: (before.seen[channel] ?? 0) + 1 };
    state.inboxes.put(agent, after);
  }
  if (event.type === 'message_posted') join(state, event);
}

/** What is said of a task: its title and, where it was reviewed, how. */
function textOf({ title, changes }: Event['data']): string {
  const { verdict } = (changes as { review?: { verdict?: string } } | undefined)?.review ?? {};
  return verdict === undefined ? (title as string) : `${title} (${verdict})`;
}

/** A position that was reached, and items that were acknowledged one by one beyond it. */
interface Advance {
  upTo?: number;
  acknowledged?: true;
  addressed?: number;
  mentions?: number;
  seen?: Record<string, number>;
  items?: { seq: number; reason?: Reason; channel?: string }[];
}

function advance(state: InboxState, before: Inbox, event: Event): void {
  const { upTo, addressed, mentions, seen, items = [], acknowledged } = event.data as Advance;
  const after = { ...before, seen: { ...before.seen, ...seen } };
  if (upTo !== undefined) {
    after.readUpTo = Math.max(before.readUpTo, upTo);
    if (acknowledged) after.ackedUpTo = Math.max(before.ackedUpTo, upTo);
    after.addressedSeen = Math.max(before.addressedSeen, addressed ?? 0);
    after.mentionsSeen = Math.max(before.mentionsSeen, mentions ?? 0);
  }
  items.forEach(({ seq, reason, channel }, i) => {
    state.inbox_acks.put(itemId(before.agent, seq), { seq: itemSeq(event.seq, i), agent: before.agent, item: seq });
    if (reason !== undefined && seq > after.readUpTo) after.addressedSeen++;
    if (reason === 'mention' && seq > after.readUpTo) after.mentionsSeen++;
    if (reason === undefined && channel !== undefined && seq > readUpToIn(after, channel))
      after.seen[channel] = (after.seen[channel] ?? 0) + 1;
  });
  if (items.length > 0) after.version++;
  state.inboxes.put(before.agent, after);
}

/** A message that is deleted is unread no more; whoever had seen it has seen one less of what there is. */
function forget(state: InboxState, event: Event): void {
  const message = state.messages.get(event.data.id as string) as Posted | undefined;
  if (message === undefined) return;
  const { seq, channel, from } = message;
  const told = namedBy(state, message);
  for (const inbox of [...state.inboxes.values()]) {
    const { agent } = inbox;
    const follows = followed(inbox).includes(channel);
    if (agent === from || !(follows || told.has(agent))) continue;
    const id = itemId(agent, seq);
    const item = told.has(agent) ? state.inbox_items.get(id) : undefined;
    if (item === undefined && !follows) continue;
    const isSeen = (upTo: number) => seq <= upTo || isAcknowledged(state.inbox_acks.get(id));
    const after = { ...inbox, version: inbox.version + 1 };
    if (item && !isSeen(inbox.readUpTo)) {
      after.addressed--;
      if (item.reason === 'mention') after.mentions--;
    }
    if (follows && (item || isSeen(readUpToIn(inbox, channel))))
      after.seen = { ...inbox.seen, [channel]: (inbox.seen[channel] ?? 0) - 1 };
    state.inboxes.put(agent, after);
  }
}

/** All to whom a message may be addressed: those whom it names, and who speaks in its thread. */
function namedBy(state: InboxState, { to, mentions = [], notify = [], threadId }: Posted): Set<string> {
  const speaking = threadId === undefined ? [] : (participants(state, threadId)?.agents ?? []);
  return new Set([...(to === undefined ? [] : [to]), ...mentions, ...notify, ...speaking]);
}

/** What an inbox was elsewhere: its acknowledgements count here for the messages that came with it. */
function takeOver(state: InboxState, before: Inbox, event: Event): void {
  const { acknowledged = [], ...part } = event.data as unknown as Inbox;
  const seen = { ...before.seen };
  const after = { ...before, ...part, seen, acknowledged: [...(before.acknowledged ?? []), ...acknowledged] };
  acknowledged.forEach((id, i) => {
    const message = state.messages.get(id) as Posted | undefined;
    const key = message && itemId(before.agent, message.seq);
    if (message === undefined || key === undefined || state.inbox_acks.get(key)) return;
    state.inbox_acks.put(key, { seq: itemSeq(event.seq, i), agent: before.agent, item: message.seq });
    const item = state.inbox_items.get(key);
    if (item) after.addressedSeen++;
    if (item?.reason === 'mention') after.mentionsSeen++;
    if (!item && message.from !== before.agent && followed(after).includes(message.channel))
      seen[message.channel] = (seen[message.channel] ?? 0) + 1;
  });
  state.inboxes.put(before.agent, after);
}
