import type { Entities } from '../../kernel/collection.ts';
import type { Event } from '../../kernel/event.ts';

/** A place where messages are: a room of the original contract. */
export interface Channel {
  id: string;
  name: string;
  /** Milliseconds since 1970; 0 for a default channel that was never used. */
  createdAt: number;
  createdBy?: string;
  /** Messages in it, without deleted ones. */
  count: number;
  /** Timestamp of the newest message. */
  lastActivity: number;
  /** Who has posted, in order of appearance. */
  participants: readonly string[];
  archived?: boolean;
}

export interface ChannelsState {
  channels: Entities<Channel>;
  /** By agent and channel, with a space between: messages of the agent there, without deleted ones. */
  post_counts: Entities<{ n: number }>;
}

/** The channels that are always there. */
export const DEFAULT_CHANNELS = ['general', 'problems', 'shipping', 'dev', 'decisions'] as const;

/** The channels that an agent's inbox follows until it says otherwise. */
export const DEFAULT_SUBSCRIPTIONS = ['general', 'decisions', 'problems', 'shipping'] as const;

/** What the channel that is a task's thread begins with; the task's id follows. */
export const TASK_THREAD = 'task:';

/** True for the five channels that are always there. */
export function isDefault(id: string): boolean {
  return (DEFAULT_CHANNELS as readonly string[]).includes(id);
}

/** The channel of the direct messages between two agents. */
export function dmChannel(a: string, b: string): string {
  return a < b ? `dm:${a}:${b}` : `dm:${b}:${a}`;
}

/** The two ends of a direct-message channel; undefined for every other channel. */
export function dmEnds(channel: string): readonly [string, string] | undefined {
  if (!channel.startsWith('dm:')) return undefined;
  const [, a = '', b = ''] = channel.split(':');
  return [a, b];
}

/** True where the agent may read and write in the channel. */
export function mayRead(channel: string, agent: string | undefined): boolean {
  const ends = dmEnds(channel);
  return ends === undefined || (agent !== undefined && ends.includes(agent));
}

function empty(id: string, createdAt: number): Channel {
  return { id, name: id, createdAt, count: 0, lastActivity: 0, participants: [] };
}

/** The channel with this id; a default channel is there before its first use. */
export function findChannel(state: ChannelsState, id: string): Channel | undefined {
  return state.channels.get(id) ?? (isDefault(id) ? empty(id, 0) : undefined);
}

/** The fields of message events that channels fold. */
interface Posted {
  channel: string;
  from: string;
  timestamp: number;
}

/** Folds what is done to channels and, of messages, how many there are and who has posted. */
export function apply(state: ChannelsState, event: Event): void {
  switch (event.type) {
    case 'channel_created': {
      const { channel, name, createdAt } = event.data as { channel: string; name: string; createdAt?: number };
      // A channel that is imported is as old as its first message.
      state.channels.put(channel, { ...empty(channel, createdAt ?? event.at), name, createdBy: event.actor });
      break;
    }
    case 'channel_updated': {
      const { channel: id, ...changes } = event.data as { channel: string; name?: string; archived?: boolean };
      const channel = findChannel(state, id) ?? empty(id, event.at);
      state.channels.put(id, { ...channel, ...changes });
      break;
    }
    case 'message_posted': {
      const { channel: id, from, timestamp } = event.data as unknown as Posted;
      const channel = state.channels.get(id) ?? empty(id, event.at);
      state.channels.put(id, {
        ...channel,
        count: channel.count + 1,
        lastActivity: Math.max(channel.lastActivity, timestamp),
        participants: channel.participants.includes(from) ? channel.participants : [...channel.participants, from],
      });
      countPost(state, `${from} ${id}`, 1);
      break;
    }
    case 'message_deleted': {
      const { channel: id, from } = event.data as unknown as Posted;
      const channel = state.channels.get(id);
      if (channel) state.channels.put(channel.id, { ...channel, count: channel.count - 1 });
      countPost(state, `${from} ${id}`, -1);
      break;
    }
  }
}

function countPost(state: ChannelsState, key: string, by: 1 | -1): void {
  state.post_counts.put(key, { n: (state.post_counts.get(key)?.n ?? 0) + by });
}
