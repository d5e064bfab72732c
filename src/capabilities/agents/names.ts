import type { LiveCollection } from '../../kernel/collection.ts';
import type { OrderSpec } from '../../kernel/order.ts';
import type { Agent } from './state.ts';

/** Agents by their names and aliases in lower case; of several, the first that appeared. */
const named: OrderSpec<Agent> = {
  groups: ({ name, aliases = [] }) => [
    `name ${name.toLowerCase()}`,
    ...aliases.map((alias) => `alias ${alias.toLowerCase()}`),
  ],
  key: ({ firstSeen, name }) => [firstSeen, name],
};

/** All agents in order of appearance. */
const appearance: OrderSpec<Agent> = { groups: () => [''], key: ({ firstSeen, name }) => [firstSeen, name] };

export const orders = { named, appearance };

export interface NamedAgents {
  agents: LiveCollection<Agent>;
}

/** The agent whose alias a text is, without regard to case. */
export function ownerOfAlias({ agents }: NamedAgents, text: string): Agent | undefined {
  return agents.first('named', `alias ${text.toLowerCase()}`);
}

/**
 * The name of the agent that a text means: the agent of exactly this name, else one of this name in other letters, else
 * the one whose alias it is. Undefined where it is nobody yet.
 */
export function resolveAgent(state: NamedAgents, text: string): string | undefined {
  if (state.agents.get(text)) return text;
  return (state.agents.first('named', `name ${text.toLowerCase()}`) ?? ownerOfAlias(state, text))?.name;
}
