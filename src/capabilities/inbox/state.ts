import type { Entities } from '../../kernel/collection.ts';
import type { Event } from '../../kernel/event.ts';

/** What an agent follows, and what it has seen. */
export interface Inbox {
  agent: string;
  /** Channels; the defaults where absent. */
  subscriptions?: readonly string[];
  /** Ids of messages that the agent acknowledged one by one. */
  acknowledged: readonly string[];
  /** Everything up to this time was read: milliseconds since 1970. */
  lastReadAt?: number;
}

export interface InboxState {
  inboxes: Entities<Inbox>;
}

/** Folds inboxes. */
export function apply(state: InboxState, event: Event): void {
  if (event.type !== 'inbox_imported') return;
  const part = event.data as unknown as Inbox;
  const before = state.inboxes.get(part.agent)?.acknowledged ?? [];
  // A long list of acknowledgements comes in several events of one command.
  state.inboxes.put(part.agent, { ...part, acknowledged: [...before, ...part.acknowledged] });
}
