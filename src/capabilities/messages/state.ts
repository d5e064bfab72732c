import type { Entities } from '../../kernel/collection.ts';
import type { Event } from '../../kernel/event.ts';

/** Something that was said, as the events so far leave it. Times are milliseconds since 1970. */
export interface Message {
  id: string;
  from: string;
  to?: string;
  content: string;
  timestamp: number;
  channel: string;
  reactions: Readonly<Record<string, readonly string[]>>;
  threadId?: string;
  replyCount?: number;
  /** The agents that the text names. */
  mentions?: readonly string[];
  /** In the thread of a task: who does, made or reviews it, or has spoken there. */
  notify?: readonly string[];
  metadata?: Record<string, unknown>;
  attachments?: readonly Record<string, unknown>[];
  editedAt?: number;
  /** When it was deleted: a tombstone without content. */
  deletedAt?: number;
  /** The event that posted it. */
  seq: number;
}

export interface MessagesState {
  messages: Entities<Message>;
}

interface Change {
  id: string;
  content: string;
  emoji: string;
  agent: string;
  added: boolean;
}

/** Folds posts, edits, deletions and reactions, and keeps the count of replies. */
export function apply(state: MessagesState, event: Event): void {
  if (event.type === 'message_posted') {
    const message = event.data as unknown as Message;
    // Imported messages do not say where they stand.
    return post(state, message.seq === event.seq ? message : { ...message, seq: event.seq });
  }
  if (!event.type.startsWith('message_')) return;
  const change = event.data as unknown as Change;
  const message = state.messages.get(change.id);
  // A window of history does not hold every message that is changed later.
  if (message === undefined) return;
  switch (event.type) {
    case 'message_edited':
      state.messages.put(message.id, { ...message, content: change.content, editedAt: event.at });
      break;
    case 'message_deleted': {
      const { metadata: _, attachments: __, ...rest } = message;
      state.messages.put(message.id, { ...rest, content: '', reactions: {}, deletedAt: event.at });
      countReply(state, message.threadId, -1);
      break;
    }
    case 'message_reacted':
      state.messages.put(message.id, { ...message, reactions: react(message.reactions, change) });
      break;
  }
}

function post(state: MessagesState, message: Message): void {
  state.messages.put(message.id, message);
  countReply(state, message.threadId, 1);
}

function countReply(state: MessagesState, threadId: string | undefined, by: number): void {
  const parent = threadId === undefined ? undefined : state.messages.get(threadId);
  if (parent) state.messages.put(parent.id, { ...parent, replyCount: (parent.replyCount ?? 0) + by });
}

/** The agents that reacted with an emoji. */
export function reactors(message: Message, emoji: string): readonly string[] {
  return Object.hasOwn(message.reactions, emoji) ? (message.reactions[emoji] ?? []) : [];
}

function react(reactions: Message['reactions'], { emoji, agent, added }: Change): Message['reactions'] {
  const before = Object.hasOwn(reactions, emoji) ? (reactions[emoji] ?? []) : [];
  const after = added ? [...before.filter((name) => name !== agent), agent] : before.filter((name) => name !== agent);
  const { [emoji]: _, ...others } = reactions;
  return after.length === 0 ? others : { ...reactions, [emoji]: after };
}
