import { z } from 'zod';
import { type Context, command } from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import type { Draft } from '../../kernel/event.ts';
import { AgentName, flag } from '../../kernel/names.ts';
import { isLive, type State } from './overlaps.ts';
import { ReservationAnswer } from './reserve.ts';
import { ReservationId, Ttl } from './schema.ts';
import type { Reservation } from './state.ts';

/** How a reservation ended. */
type Reason = 'released' | 'expired' | 'lease_ended' | 'taken_over';

/** The live reservation. Throws `reservation_not_found`. */
export function findReservation(state: State, id: string, wall: number): Reservation {
  const reservation = state.reservations.get(id);
  if (reservation === undefined || !isLive(reservation, wall))
    throw new Refusal('reservation_not_found', `There is no reservation "${id}", or none any more.`);
  return reservation;
}

function requireHolder({ id, agent, expiresAt }: Reservation, actor: string): void {
  if (agent !== actor)
    throw new Refusal('reserved_by_another', `${agent} has the reservation "${id}", not ${actor}.`, {
      extra: { agent, expiresAt },
    });
}

/** The event by which it ends. */
export function released({ id, agent, paths, mode, task }: Reservation, reason: Reason): Draft {
  const data = { id, agent, paths, mode, ...(task !== undefined && { task }), reason };
  return { type: 'reservation_released', subject: id, data };
}

const own = { id: ReservationId, agent: AgentName.describe('Who acts.') };

export const release = command({
  name: 'reservations.release',
  summary: 'Ends a reservation: those who wait for its paths get them.',
  http: ['DELETE /reservations/:id'],
  actor: 'agent',
  complaint: 'agent is required',
  input: z.object({ ...own, takeover: flag.optional().describe('1: also where another agent has it.') }),
  output: z.object({ success: z.literal(true) }),
  decide({ id, agent, takeover }, { state, wall }: Context<State>) {
    const reservation = findReservation(state, id, wall);
    if (!takeover) requireHolder(reservation, agent);
    return [released(reservation, reservation.agent === agent ? 'released' : 'taken_over')];
  },
  answer: () => ({ success: true as const }),
});

export const releaseAll = command({
  name: 'reservations.release_all',
  summary: 'Ends every reservation of an agent.',
  http: ['DELETE /reservations'],
  actor: 'agent',
  complaint: 'agent is required',
  input: z.object({ agent: own.agent }),
  output: z.object({ success: z.literal(true), released: z.number() }),
  decide: ({ agent }, { state }: Context<State>) =>
    [...state.reservations.inOrder('listed', `agent ${agent}`)].map((each) => released(each, 'released')),
  answer: (events) => ({ success: true as const, released: events.length }),
});

export const renew = command({
  name: 'reservations.renew',
  summary: 'Makes a reservation last its time from now on.',
  http: ['POST /reservations/:id/renew'],
  actor: 'agent',
  complaint: 'agent is required',
  input: z.object({ ...own, ttl: Ttl.optional().describe('Seconds; as long as before unless said.') }),
  output: ReservationAnswer,
  decide({ id, agent, ttl }, { state, wall }: Context<State>) {
    const reservation = findReservation(state, id, wall);
    requireHolder(reservation, agent);
    const lasts = ttl ?? reservation.ttl;
    const data = { id, agent, expiresAt: wall + lasts * 1_000, ttl: lasts };
    return [{ type: 'reservation_renewed', subject: id, data }];
  },
  answer: (_, state: State, { id }, __, { wall }) => ({
    success: true as const,
    reservation: findReservation(state, id, wall) as z.input<typeof ReservationAnswer>['reservation'],
  }),
});

/** Reservations that end in one command. */
const AT_ONCE = 200;

/** Ends what is over. No door shows this: the server does it by itself. */
const releaseDue = command({
  name: 'reservations.release_due',
  summary: 'Ends reservations whose time, or whose claim, is over.',
  http: [],
  input: z.object({}),
  output: z.object({ released: z.number() }),
  decide(_, { state, wall }: Context<State>) {
    const drafts: Draft[] = [];
    for (const reservation of state.reservations.inOrder('due', '')) {
      if (isLive(reservation, wall) || drafts.length === AT_ONCE) break;
      drafts.push(released(reservation, reservation.leaseEnded ? 'lease_ended' : 'expired'));
    }
    return drafts;
  },
  answer: (events) => ({ released: events.length }),
});

/** When a reservation is over. */
export function endOf({ leaseEnded, expiresAt }: Reservation): number {
  return leaseEnded ? 0 : expiresAt;
}

export const due = {
  at(state: State) {
    const next = state.reservations.first('due', '');
    return next && endOf(next);
  },
  command: releaseDue,
};
