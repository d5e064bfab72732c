import type { Entities } from '../../kernel/collection.ts';
import type { Event } from '../../kernel/event.ts';

export type PresenceStatus = 'idle' | 'working' | 'reviewing' | 'blocked' | 'waiting' | 'offline';

/** How an agent is, as it was written down last. Times are milliseconds since 1970. */
export interface Presence {
  agent: string;
  status: PresenceStatus;
  /** What it works at: the id of a task, or words of its own. */
  task?: string;
  /** Since when it is so. */
  since: number;
  /** Its last sign of life. */
  lastUpdate: number;
  /** Open streams that name it. */
  connections: number;
  /** Its requests that wait for something. */
  waiting?: number;
  /** It says so itself. */
  declared?: true;
  /** The event by which it last said something of itself. */
  said?: number;
}

export interface PresenceState {
  presences: Entities<Presence>;
}

/** Folds presences. */
export function apply({ presences }: PresenceState, { type, seq, actor, data }: Event): void {
  if (type === 'presence_updated') {
    const presence = data as unknown as Presence;
    const said = actor === presence.agent ? seq : presences.get(presence.agent)?.said;
    presences.put(presence.agent, said === undefined ? presence : { ...presence, said });
  } else if (type === 'task_claimed') {
    // What it claims says more than what it said before.
    const { agent } = data.claim as { agent: string };
    const { declared, ...presence } = presences.get(agent) ?? {};
    if (declared) presences.put(agent, presence as Presence);
  }
}
