import { z } from 'zod';
import { type Capability, type Context, command } from '../../kernel/capability.ts';
import type { Event } from '../../kernel/event.ts';
import { AgentName } from '../../kernel/names.ts';
import { describe, isWritten, presenceOf, type State, sinceOf, standing } from './standing.ts';

/** Writes down how agents are. No door shows this: the server does it by itself. */
const settle = command({
  name: 'presence.settle',
  summary: 'Writes down how agents are, where that has changed.',
  http: [],
  input: z.object({ agents: z.array(AgentName) }),
  output: z.object({ updated: z.number() }),
  decide: ({ agents }, context: Context<State>) =>
    agents.flatMap((agent) => {
      const written = context.state.presences.get(agent);
      const now = standing(agent, context);
      if (isWritten(written, now)) return [];
      const since = sinceOf(written, now) ?? context.now;
      return [{ type: 'presence_updated', subject: agent, data: { ...describe(agent, now, context, since) } }];
    }),
  answer: (events) => ({ updated: events.length }),
});

/** The holders of a claim that an event begins or ends, and of whom it says how they are. */
function touches({ type, subject, data }: Event): string[] {
  if (type === 'presence_updated') return [subject as string];
  if (!type.startsWith('task_')) return [];
  const { claim, run } = data as { claim?: { agent: string } | null; run?: { agent: string } };
  return [...(claim ? [claim.agent] : []), ...(run ? [run.agent] : [])];
}

export const watch: NonNullable<Capability<State>['watch']> = {
  // How an agent was stays so as long as it would have without another sign of life. Its streams are gone since now.
  *recall({ presences, tasks }, { started, record }) {
    for (const { agent, status } of presences.values()) {
      if (status === 'offline') continue;
      const known = { seen: record, left: started };
      if (status === 'working') yield [agent, { ...known, acted: record }];
      else yield [agent, status === 'waiting' ? { ...known, waited: started } : known];
    }
    for (const agent of tasks.groups('held')) if (presences.get(agent) === undefined) yield [agent, {}];
  },
  touches,
  until(agent, moment) {
    const now = standing(agent, moment);
    if (!isWritten(moment.state.presences.get(agent), now)) return moment.wall;
    return Number.isFinite(now.until) ? now.until : undefined;
  },
  command: settle,
  beat: (agent, moment) => ({
    type: 'presence_heartbeat',
    actor: agent,
    subject: agent,
    data: { ...(presenceOf(agent, moment) ?? { agent }) },
  }),
};
