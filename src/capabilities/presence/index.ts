import { z } from 'zod';
import { capability, entitiesOf, type QueryContext, query } from '../../kernel/capability.ts';
import { AgentName } from '../../kernel/names.ts';
import type { OrderSpec } from '../../kernel/order.ts';
import { capBytes, listInput, listOutput } from '../../kernel/page.ts';
import { declare, heartbeat } from './declare.ts';
import { Presence as PresenceOutput, PresenceStatus, STATUSES } from './schema.ts';
import { presenceOf, type State } from './standing.ts';
import { apply, type Presence } from './state.ts';
import { watch } from './watch.ts';

export { presenceOf } from './standing.ts';

/** All agents of whom something is known, and those of one status, by name. */
const named: OrderSpec<Presence> = { groups: ({ status }) => ['', status], key: ({ agent }) => [agent] };

const { limit } = listInput(1_000, 1_000);
const cursor = AgentName.optional().describe('Goes on where an earlier answer with `more` ended: its `cursor`.');

const list = query({
  name: 'presence.list',
  summary: 'How the agents are, by name.',
  http: ['GET /presence'],
  input: z.object({ status: PresenceStatus.optional().describe('Only agents of this status.'), limit, cursor }),
  output: z.object({ presences: z.array(PresenceOutput), ...listOutput }),
  run({ status = '', limit, cursor }, context: QueryContext<State>) {
    const { presences } = context.state;
    const names: string[] = [];
    for (const { agent } of presences.inOrder('named', status, cursor === undefined ? undefined : [cursor])) {
      if (agent === cursor) continue;
      names.push(agent);
      if (names.length > limit) break;
    }
    const shown = names.slice(0, limit).map((agent) => presenceOf(agent, context) as Presence);
    const { taken } = capBytes(shown, (each) => Buffer.byteLength(JSON.stringify(each)) + 1);
    const more = taken.length < names.length;
    return { presences: taken, ...(more && { more, cursor: taken.at(-1)?.agent as string }) };
  },
});

const get = query({
  name: 'presence.get',
  summary: 'How one agent is.',
  http: ['GET /presence/:agent'],
  input: z.object({ agent: AgentName }),
  output: z.object({ presence: PresenceOutput.nullable(), message: z.string().optional() }),
  run({ agent }, context: QueryContext<State>) {
    const presence = presenceOf(agent, context);
    return presence === undefined ? { presence: null, message: 'No presence data for this agent' } : { presence };
  },
});

export const presence = capability<State>()({
  name: 'presence',
  summary: 'Who is here and what each is doing, from what the server sees.',
  collections: [{ name: 'presences', keep: 'memory', orders: { named } }],
  operations: [list, get, declare, heartbeat],
  events: {
    presence_updated: 'How an agent is has changed: the presence.',
    presence_heartbeat: 'Not kept, only for streams with ephemeral=1: an agent showed a sign of life: its presence.',
  },
  apply,
  watch,
  health: ({ presences }) => ({
    presence: Object.fromEntries(STATUSES.map((status) => [status, presences.count('named', status)])),
  }),
  snapshot: (view) => ({
    presences: entitiesOf<Presence>(view, 'presences'),
  }),
});
