import type { Entities } from '../../kernel/collection.ts';
import type { Event } from '../../kernel/event.ts';

/** Somebody who has acted here. */
export interface Agent {
  name: string;
  /** When it first acted: milliseconds since 1970. */
  firstSeen: number;
}

export interface AgentsState {
  agents: Entities<Agent>;
}

/** An agent exists from its first act, whatever that was. */
export function apply(state: AgentsState, event: Event): void {
  if (event.actor === 'anonymous' || event.actor === 'system' || state.agents.get(event.actor)) return;
  state.agents.put(event.actor, { name: event.actor, firstSeen: timeOf(event) });
}

/** When it happened: what is imported is older than the event that brought it. */
function timeOf({ type, at, data }: Event): number {
  const own =
    type === 'message_posted' ? data.timestamp : /^(?:task|channel)_created$/.test(type) ? data.createdAt : at;
  return typeof own === 'number' ? own : at;
}
