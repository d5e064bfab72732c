import type { Entities } from '../../kernel/collection.ts';
import type { Event } from '../../kernel/event.ts';

/** `shared` overlaps with `shared` of others; `exclusive` with nothing of others. */
export type Mode = 'exclusive' | 'shared';

/** Paths that an agent has to itself, until it lets go of them. Times are milliseconds since 1970. */
export interface Reservation {
  id: string;
  agent: string;
  /** Normal globs. */
  paths: readonly string[];
  mode: Mode;
  /** The task with whose claim it ends. */
  task?: string;
  grantedAt: number;
  expiresAt: number;
  /** Seconds. */
  ttl: number;
  /** The claim has ended: what is left is to say so. */
  leaseEnded?: true;
  /** The event that last changed it. */
  seq: number;
}

export interface ReservationsState {
  reservations: Entities<Reservation>;
  /** By the task's id: what ends with its claim. */
  task_reservations: Entities<{ ids: readonly string[] }>;
}

/** Folds reservations, and sees when the claim ends that one depends on. */
export function apply(state: ReservationsState, { type, seq, subject, data }: Event): void {
  if (type.startsWith('task_')) {
    // Whatever ends a claim says how its run ended.
    if (data.run !== undefined) endLease(state, subject as string);
    return;
  }
  if (!type.startsWith('reservation_')) return;
  const id = subject as string;
  const before = state.reservations.get(id);
  switch (type) {
    case 'reservation_granted':
      state.reservations.put(id, { ...(data as unknown as Reservation), seq });
      link(state, data.task as string | undefined, id);
      break;
    case 'reservation_renewed':
      if (before) state.reservations.put(id, { ...before, ...(data as Pick<Reservation, 'expiresAt' | 'ttl'>), seq });
      break;
    case 'reservation_released':
      state.reservations.delete(id);
      unlink(state, before?.task, id);
      break;
  }
}

/** Makes what follows from a reservation that came whole: with which claim it ends. */
export function restore(state: ReservationsState, { id, task }: Reservation): void {
  link(state, task, id);
}

function endLease(state: ReservationsState, task: string): void {
  for (const id of state.task_reservations.get(task)?.ids ?? []) {
    const reservation = state.reservations.get(id);
    if (reservation) state.reservations.put(id, { ...reservation, leaseEnded: true });
  }
}

function link(state: ReservationsState, task: string | undefined, id: string): void {
  if (task !== undefined)
    state.task_reservations.put(task, { ids: [...(state.task_reservations.get(task)?.ids ?? []), id] });
}

function unlink(state: ReservationsState, task: string | undefined, id: string): void {
  if (task === undefined) return;
  const rest = (state.task_reservations.get(task)?.ids ?? []).filter((each) => each !== id);
  if (rest.length === 0) state.task_reservations.delete(task);
  else state.task_reservations.put(task, { ids: rest });
}
