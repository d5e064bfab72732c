import { capability, entitiesOf } from '../../kernel/capability.ts';
import type { OrderSpec } from '../../kernel/order.ts';
import { get, list } from './list.ts';
import { area, type State } from './overlaps.ts';
import { due, endOf, release, releaseAll, renew } from './release.ts';
import { QUEUE, reserve } from './reserve.ts';
import { apply, type Reservation } from './state.ts';

/** All, those of one agent, and those of one task, oldest first: ids begin with the time at which they were made. */
const listed: OrderSpec<Reservation> = {
  groups: ({ agent, task }) => ['', `agent ${agent}`, ...(task === undefined ? [] : [`task ${task}`])],
  key: ({ id }) => [id],
};

/** What ends first. */
const ending: OrderSpec<Reservation> = { groups: () => [''], key: (each) => [endOf(each), each.id] };

export const reservations = capability<State>()({
  name: 'reservations',
  summary: 'Who works at which files, so that no two do at once.',
  collections: [
    { name: 'reservations', keep: 'memory', orders: { listed, area, due: ending } },
    { name: 'task_reservations', keep: 'memory' },
  ],
  operations: [reserve, list, get, renew, release, releaseAll],
  events: {
    reservation_granted: 'An agent has paths to itself: the reservation.',
    reservation_renewed: 'It lasts longer: id, agent, expiresAt, ttl.',
    reservation_released:
      'It is over: id, agent, paths, mode, task, reason (released, expired, lease_ended, taken_over).',
  },
  apply,
  due,
  concerns: ({ type, data }, agent) => type.startsWith('reservation_') && data.agent === agent,
  wakes({ type, data }) {
    const frees = type === 'reservation_released' || (type.startsWith('task_') && data.run !== undefined);
    const own = type.startsWith('reservation_') ? [`of ${data.agent}`] : [];
    return frees ? [QUEUE, ...own] : own;
  },
  health: ({ reservations }) => ({ reservations: { live: reservations.size } }),
  snapshot: (view) => ({
    reservations: entitiesOf<Reservation>(view, 'reservations'),
  }),
});
