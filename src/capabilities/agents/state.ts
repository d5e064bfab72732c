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
  if (event.actor === 'anonymous' || state.agents.get(event.actor)) return;
  state.agents.put(event.actor, { name: event.actor, firstSeen: event.at });
}
