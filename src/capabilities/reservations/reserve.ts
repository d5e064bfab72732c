import { z } from 'zod';
import { type Context, command } from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import type { Draft } from '../../kernel/event.ts';
import { AgentName, wholeNumber } from '../../kernel/names.ts';
import { findTask, requireClaim, signOfLife } from '../tasks/index.ts';
import { acting, TaskId } from '../tasks/schema.ts';
import type { Task, TasksState } from '../tasks/state.ts';
import { type Claimed, type Conflict, conflicts, type State as Reservations } from './overlaps.ts';
import { Mode, Paths, Reservation as ReservationOutput, Ttl } from './schema.ts';

type State = Reservations & TasksState;

export const ReservationAnswer = z.object({ success: z.literal(true), reservation: ReservationOutput });

/** Seconds that a reservation lasts, unless it says otherwise. */
const TTL = 3_600;
/** With a task it ends with the claim, and this is how long it lasts at most. */
const TTL_WITH_TASK = 86_400;
/** Reservations that one agent has at a time. */
const MOST = 1_000;
/** Conflicts that a refusal names. */
const NAMED = 10;

/** Wakes those who wait for paths. */
export const KEYS = ['reservations'];

/** The task, which must be claimed by whoever acts. Throws as commands on claimed tasks do. */
function requireLease(
  { task: id, claim }: { task?: string | undefined; claim?: string | undefined },
  context: Context<State>,
): Task | undefined {
  if (id === undefined) return undefined;
  const task = findTask(context.state, id);
  requireClaim(task, { claim }, context);
  return task;
}

function conflictsOf(wanted: Claimed, { state, wall, ahead }: Context<State>): Generator<Conflict, void> {
  return conflicts(wanted, { state, wall, ahead: ahead as readonly Claimed[] });
}

function* first<T>(items: Iterable<T>, most: number): Generator<T, void> {
  let taken = 0;
  for (const item of items) {
    if (taken++ === most) return;
    yield item;
  }
}

function requireFree(wanted: Claimed, context: Context<State>): void {
  const found = [...first(conflictsOf(wanted, context), NAMED + 1)];
  const [one] = found;
  if (one === undefined) return;
  const { agent, mode, paths, wanted: overlapped, expiresAt, waiting, waitsForYou } = one;
  const since = waiting ? 'waits for it' : `has it until ${new Date(expiresAt as number).toISOString()}`;
  const cycle = waitsForYou ? `, and waits for what you have` : '';
  throw new Refusal(
    'paths_reserved',
    `"${overlapped[0]}" overlaps "${paths[0]}" (${mode}): ${agent} ${since}${cycle}.`,
    { extra: { conflicts: found.slice(0, NAMED), ...(found.length > NAMED && { more: true }) } },
  );
}

export const reserve = command({
  name: 'reservations.reserve',
  summary: 'Reserves paths: nobody else gets one that overlaps them, until they are released or the time is over.',
  http: ['POST /reservations'],
  actor: 'agent',
  complaint: 'agent and paths are required',
  input: z.object({
    agent: AgentName.describe('For whom.'),
    paths: Paths,
    mode: Mode.default('exclusive'),
    ttl: Ttl.optional().describe('Seconds that it lasts: 3600 unless said; with a task 86400.'),
    task: TaskId.optional().describe('A task that the agent has claimed: the reservation ends with the claim.'),
    claim: acting.claim,
    wait: wholeNumber(0, 600).default(0).describe('Seconds to wait, in turn, until the paths are free.'),
  }),
  output: ReservationAnswer,
  decide(input, context: Context<State>): Draft[] {
    const { agent, paths, mode } = input;
    const { state, now, wall } = context;
    const task = requireLease(input, context);
    if (state.reservations.count('listed', `agent ${agent}`) >= MOST)
      throw new Refusal('rate_limited', `${agent} has ${MOST} reservations.`);
    requireFree(input, context);
    const id = context.id('reservation');
    const ttl = input.ttl ?? (task ? TTL_WITH_TASK : TTL);
    const data = {
      id,
      agent,
      paths,
      mode,
      ...(task && { task: task.id }),
      grantedAt: now,
      expiresAt: wall + ttl * 1_000,
      ttl,
    };
    return [
      { type: 'reservation_granted', subject: id, data },
      ...(task === undefined ? [] : signOfLife(task, agent, wall)),
    ];
  },
  wait: {
    idle(input, context: Context<State>) {
      requireLease(input, context);
      let taken = false;
      for (const { waitsForYou } of conflictsOf(input, context)) {
        if (waitsForYou) return false;
        taken = true;
      }
      return taken;
    },
    keys: () => KEYS,
    queue: true,
  },
  answer([granted]) {
    // Whoever waited and is gone, or was waiting when the server stops, was given nothing.
    if (granted === undefined) throw new Refusal('shutting_down', 'Nothing was reserved: the server is stopping.');
    return {
      success: true as const,
      reservation: { ...(granted.data as unknown as z.input<typeof ReservationOutput>), seq: granted.seq },
    };
  },
});
