import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { type Context, command } from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import { AgentName } from '../../kernel/names.ts';
import { type NamedAgents, ownerOfAlias } from './names.ts';
import { Agent as AgentOutput, profile } from './schema.ts';
import type { Agent } from './state.ts';

export const etag = {
  of: ({ agent }: { agent: { seq: number } }) => agent.seq,
  current: ({ name }: { name: string }, { agents }: NamedAgents) => agents.get(name)?.seq,
};

/** Throws `alias_taken` where an alias cannot be told from a name or alias of another, in whichever letters. */
function requireFree(state: NamedAgents, name: string, aliases: readonly string[]): void {
  for (const alias of aliases) {
    const text = alias.toLowerCase();
    if (text === name.toLowerCase()) throw taken(alias, name);
    const holder = (state.agents.first('named', `name ${text}`) ?? ownerOfAlias(state, alias))?.name;
    if (holder !== undefined && holder !== name) throw taken(alias, holder);
  }
}

function taken(alias: string, holder: string): Refusal {
  return new Refusal('alias_taken', `"${alias}" already means ${holder}.`, { extra: { alias, holder } });
}

export const register = command({
  name: 'agents.register',
  summary: 'Says who an agent is: the given fields change, null takes one away, and others stay.',
  http: ['PUT /agents/:name'],
  actor: 'agent',
  input: z.object({ name: AgentName, ...profile, agent: AgentName.optional().describe('Who says it.') }),
  output: z.object({ success: z.literal(true), agent: AgentOutput }),
  etag,
  decide({ name, agent: _, ...fields }, { state }: Context<NamedAgents>) {
    const before: Partial<Agent> | undefined = state.agents.get(name);
    const owner = before === undefined ? ownerOfAlias(state, name) : undefined;
    if (owner !== undefined) throw taken(name, owner.name);
    if (fields.aliases) requireFree(state, name, fields.aliases);
    const changes = Object.fromEntries(
      Object.entries(fields)
        .map(([field, value]) => [field, Array.isArray(value) && value.length === 0 ? null : value] as const)
        .filter(
          ([field, value]) => value !== undefined && !isDeepStrictEqual(value, before?.[field as keyof Agent] ?? null),
        ),
    );
    if (before !== undefined && Object.keys(changes).length === 0) return [];
    return [
      { type: before === undefined ? 'agent_registered' : 'agent_updated', subject: name, data: { name, changes } },
    ];
  },
  answer: (_, { agents }: NamedAgents, { name }) => ({
    success: true as const,
    agent: agents.get(name) as z.input<typeof AgentOutput>,
  }),
});
