import { z } from 'zod';
import { capability, type LiveCollection, type QueryContext, query } from '../../kernel/capability.ts';
import { wholeNumber } from '../../kernel/names.ts';
import { listInput, listOutput, pick } from '../../kernel/page.ts';
import { type Agent, type AgentsState, apply } from './state.ts';

interface State extends AgentsState {
  agents: LiveCollection<Agent>;
}

const AgentOutput = z.object({ name: z.string(), firstSeen: z.number() });
const { fields, limit } = listInput(1_000, 1_000);
const offset = wholeNumber(0, Number.MAX_SAFE_INTEGER).default(0).describe('Agents of the list to pass over.');

const list = query({
  name: 'agents.list',
  summary: 'Everybody who has acted here, in order of appearance.',
  http: ['GET /agents'],
  input: z.object({ fields, limit, offset }),
  output: z.object({ agents: z.array(AgentOutput.partial()), count: z.number(), more: listOutput.more }),
  run({ fields, limit, offset }, { state }: QueryContext<State>) {
    const all = [...state.agents.values()].sort((a, b) => a.firstSeen - b.firstSeen || (a.name < b.name ? -1 : 1));
    const agents = all.slice(offset, offset + limit);
    return {
      agents: pick(agents, fields),
      count: all.length,
      ...(offset + agents.length < all.length && { more: true as const }),
    };
  },
});

export const agents = capability<State>({
  name: 'agents',
  summary: 'Who has acted here.',
  collections: [{ name: 'agents', keep: 'memory' }],
  operations: [list],
  events: {},
  apply,
  snapshot: (view) => ({
    agents: view
      .all<{ doc: string }>("SELECT doc FROM entity WHERE collection = 'agents'")
      .map(({ doc }) => JSON.parse(doc) as Agent),
  }),
});
