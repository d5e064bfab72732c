import type { Entities } from '../../kernel/collection.ts';
import type { Event } from '../../kernel/event.ts';

/** Somebody who has acted here, or was registered. */
export interface Agent {
  name: string;
  /** When it first acted or was registered: milliseconds since 1970. */
  firstSeen: number;
  role?: string;
  /** Other names by which it is meant. */
  aliases?: readonly string[];
  /** What it can do. */
  capabilities?: readonly string[];
  description?: string;
  /** An agent, unless it says otherwise. */
  kind?: 'agent' | 'human';
  /** The event that last changed it. */
  seq: number;
}

export interface AgentsState {
  agents: Entities<Agent>;
}

/** Folds agents: one exists from its first act, whatever that was, or from when it is registered. */
export function apply(state: AgentsState, event: Event): void {
  const { type, actor, at, seq, data } = event;
  if (actor !== 'anonymous' && actor !== 'system' && !state.agents.get(actor))
    state.agents.put(actor, { name: actor, firstSeen: timeOf(event), seq });
  if (type !== 'agent_registered' && type !== 'agent_updated') return;
  const { name, changes } = data as { name: string; changes: Record<string, unknown> };
  const after: Record<string, unknown> = { ...(state.agents.get(name) ?? { name, firstSeen: at }), seq };
  for (const field in changes) {
    if (changes[field] === null) delete after[field];
    else after[field] = changes[field];
  }
  state.agents.put(name, after as unknown as Agent);
}

/** When it happened: what is imported is older than the event that brought it. */
function timeOf({ type, at, data }: Event): number {
  const own =
    type === 'message_posted' ? data.timestamp : /^(?:task|channel)_created$/.test(type) ? data.createdAt : at;
  return typeof own === 'number' ? own : at;
}
