import { z } from 'zod';
import { capability, type LiveCollection, type QueryContext, query } from '../../kernel/capability.ts';
import { listInput, listOutput, pick } from '../../kernel/page.ts';
import { type Agent, type AgentsState, apply } from './state.ts';

interface State extends AgentsState {
  agents: LiveCollection<Agent>;
}

const AgentOutput = z.object({ name: z.string(), firstSeen: z.number() });
const { fields, limit } = listInput(1_000, 1_000);

const list = query({
  name: 'agents.list',
  summary: 'Everybody who has acted here, in order of appearance.',
  http: ['GET /agents'],
  input: z.object({ fields, limit }),
  output: z.object({ agents: z.array(AgentOutput.partial()), count: z.number(), ...listOutput }),
  run({ fields, limit }, { state }: QueryContext<State>) {
    const agents: Agent[] = [];
    for (const agent of state.agents.values()) {
      if (agents.length >= limit) break;
      agents.push(agent);
    }
    return { agents: pick(agents, fields), count: state.agents.size };
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
