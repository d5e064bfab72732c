import { z } from 'zod';
import { type QueryContext, query } from '../../kernel/capability.ts';
import { AgentName } from '../../kernel/names.ts';
import { capBytes, listInput, listOutput } from '../../kernel/page.ts';
import { TaskId } from '../tasks/schema.ts';
import { bounded, covering, isLive, type State } from './overlaps.ts';
import { findReservation } from './release.ts';
import { Path, ReservationId, Reservation as ReservationOutput } from './schema.ts';
import type { Reservation } from './state.ts';

type Output = z.input<typeof ReservationOutput>;

/** Live reservations that fit, oldest first. */
function select(
  { agent, task, path }: { agent?: string | undefined; task?: string | undefined; path?: string | undefined },
  { state, wall }: Pick<QueryContext<State>, 'state' | 'wall'>,
): Reservation[] {
  const group = task !== undefined ? `task ${task}` : agent !== undefined ? `agent ${agent}` : '';
  const found =
    path === undefined
      ? state.reservations.inOrder('listed', group)
      : bounded((effort) => [...covering(state, path, wall, effort)]);
  return [...found]
    .filter(
      (each) =>
        isLive(each, wall) &&
        (agent === undefined || each.agent === agent) &&
        (task === undefined || each.task === task),
    )
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

const { limit } = listInput(200, 1_000);

export const list = query({
  name: 'reservations.list',
  summary: 'What is reserved, oldest first.',
  http: ['GET /reservations'],
  input: z.object({
    agent: AgentName.optional().describe('Only what this agent has.'),
    path: Path.optional().describe('Only what overlaps this path or glob.'),
    task: TaskId.optional().describe('Only what ends with the claim of this task.'),
    limit,
    cursor: ReservationId.optional().describe('Goes on where an earlier answer with `more` ended: its `cursor`.'),
  }),
  output: z.object({ reservations: z.array(ReservationOutput), count: z.number(), ...listOutput }),
  run({ limit, cursor = '', ...filter }, context: QueryContext<State>) {
    const all = select(filter, context);
    const rest = all.filter(({ id }) => id > cursor);
    const { taken } = capBytes(rest.slice(0, limit), (each) => Buffer.byteLength(JSON.stringify(each)) + 1);
    return {
      reservations: taken as Output[],
      count: all.length,
      ...(taken.length < rest.length && { more: true as const, cursor: taken.at(-1)?.id as string }),
    };
  },
});

export const get = query({
  name: 'reservations.get',
  summary: 'One reservation.',
  http: ['GET /reservations/:id'],
  input: z.object({ id: ReservationId }),
  output: z.object({ reservation: ReservationOutput }),
  run: ({ id }, { state, wall }: QueryContext<State>) => ({ reservation: findReservation(state, id, wall) as Output }),
});
