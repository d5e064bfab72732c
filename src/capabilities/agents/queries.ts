import { z } from 'zod';
import { type QueryContext, query } from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import { AgentName, ANONYMOUS, wholeNumber } from '../../kernel/names.ts';
import { capBytes, listInput, listOutput, pick } from '../../kernel/page.ts';
import { type NamedAgents, ownerOfAlias, resolveAgent } from './names.ts';
import { etag } from './register.ts';
import { Agent as AgentOutput } from './schema.ts';
import type { Agent } from './state.ts';

type Output = z.input<typeof AgentOutput>;

const { fields, limit } = listInput(1_000, 1_000);
const offset = wholeNumber(0, Number.MAX_SAFE_INTEGER).default(0).describe('Agents of the list to pass over.');

/** A page of the agents in order of appearance, as each is shown. */
function page<T extends object>(
  { agents }: NamedAgents,
  { limit, offset }: { limit: number; offset: number },
  show: (agent: Agent) => T,
): { agents: T[]; count: number; more?: true } {
  const shown: T[] = [];
  let place = 0;
  for (const agent of agents.inOrder('appearance', '')) {
    if (place++ < offset) continue;
    if (shown.length === limit) break;
    shown.push(show(agent));
  }
  const { taken } = capBytes(shown, (each) => Buffer.byteLength(JSON.stringify(each)) + 1);
  const count = agents.size;
  return { agents: taken, count, ...(offset + taken.length < count && { more: true as const }) };
}

const list = query({
  name: 'agents.list',
  summary: 'Everybody who has acted here or was registered, in order of appearance.',
  http: ['GET /agents'],
  input: z.object({ fields, limit, offset }),
  output: z.object({ agents: z.array(AgentOutput.partial()), count: z.number(), more: listOutput.more }),
  run: ({ fields, ...where }, { state }: QueryContext<NamedAgents>) =>
    page(state, where, (agent) => pick([agent as Output], fields)[0] as Partial<Output>),
});

const roles = query({
  name: 'agents.roles',
  summary: 'Who does what: names, aliases and roles.',
  http: ['GET /team/roles'],
  input: z.object({ limit, offset }),
  output: z.object({
    agents: z.array(
      z.object({ name: z.string(), aliases: z.array(z.string()).optional(), role: z.string().optional() }),
    ),
    more: listOutput.more,
  }),
  run(where, { state }: QueryContext<NamedAgents>) {
    const { agents, more } = page(state, where, ({ name, aliases, role }) => ({
      name,
      ...(aliases && { aliases: [...aliases] }),
      ...(role !== undefined && { role }),
    }));
    return { agents, ...(more && { more }) };
  },
});

const get = query({
  name: 'agents.get',
  summary: 'One agent, by its name or an alias.',
  http: ['GET /agents/:name'],
  input: z.object({ name: AgentName }),
  output: z.object({ agent: AgentOutput }),
  etag: { of: etag.of },
  run({ name }, { state }: QueryContext<NamedAgents>) {
    const agent = state.agents.get(resolveAgent(state, name) ?? name);
    if (agent === undefined) throw new Refusal('agent_not_found', `Nobody has acted here as "${name}".`);
    return { agent: agent as Output };
  },
});

const me = query({
  name: 'agents.me',
  summary: 'Who the caller is, as far as the server knows.',
  http: ['GET /me'],
  actor: 'agent',
  input: z.object({ agent: AgentName.optional().describe('Who asks.') }),
  output: z.object({
    name: z.string().meta({ description: 'anonymous where the caller did not say its name.' }),
    kind: z.enum(['agent', 'human', 'anonymous']),
    agent: AgentOutput.nullable().meta({ description: 'None before its first act.' }),
    alias_of: z.string().optional().meta({ description: 'The agent whose alias this name is: use its name.' }),
  }),
  run(_, { state, agent: name = ANONYMOUS }: QueryContext<NamedAgents>) {
    if (name === ANONYMOUS) return { name, kind: 'anonymous' as const, agent: null };
    const agent = state.agents.get(name) as Output | undefined;
    const owner = agent === undefined ? ownerOfAlias(state, name)?.name : undefined;
    return {
      name,
      kind: agent?.kind ?? ('agent' as const),
      agent: agent ?? null,
      ...(owner !== undefined && { alias_of: owner }),
    };
  },
});

export const queries = [list, get, roles, me];
