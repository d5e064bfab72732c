import { capability, entitiesOf } from '../../kernel/capability.ts';
import { type NamedAgents, orders } from './names.ts';
import { queries } from './queries.ts';
import { register } from './register.ts';
import { type Agent, apply } from './state.ts';

export { type NamedAgents, resolveAgent } from './names.ts';

export const agents = capability<NamedAgents>()({
  name: 'agents',
  summary: 'Who works here: everybody who has acted, and what each says of itself.',
  collections: [{ name: 'agents', keep: 'memory', orders }],
  operations: [register, ...queries],
  events: {
    agent_registered: 'An agent was announced before its first act: name, changes.',
    agent_updated: 'An agent said who it is: name, changes (null: taken away).',
  },
  apply,
  snapshot: (view) => ({
    agents: entitiesOf<Agent>(view, 'agents'),
  }),
});
