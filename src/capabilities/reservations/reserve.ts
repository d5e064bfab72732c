import { z } from 'zod';
import { type Context, command } from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import type { Draft } from '../../kernel/event.ts';
import { AgentName, wholeNumber } from '../../kernel/names.ts';
import { findTask, requireClaim, signOfLife } from '../tasks/index.ts';
import { acting, TaskId } from '../tasks/schema.ts';
import type { Task, TasksState } from '../tasks/state.ts';
import {
  before,
  bounded,
  type Claimed,
  overlapping,
  type State as Reservations,
  taken,
  type View,
  waitingFor,
} from './overlaps.ts';
import { Mode as ModeInput, Paths, Reservation as ReservationOutput, Ttl } from './schema.ts';
import type { Mode } from './state.ts';

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
export const QUEUE = 'reservations';

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

/** Why somebody cannot have what it wants, as a refusal tells it. */
interface Conflict {
  /** Who has it or, `waiting`, who asked for it before. */
  agent: string;
  mode: Mode;
  /** Those of its paths that overlap. */
  paths: readonly string[];
  /** Those of the wanted paths that overlap. */
  wanted: readonly string[];
  id?: string;
  expiresAt?: number;
  waiting?: true;
  /** It waits for what the one that asks has, or for one who does: it will not let go before. */
  waitsForYou?: true;
  /** Who waits for whom, from the one that has it to the one that asks. */
  circle?: readonly string[];
}

function viewOf({ state, wall, ahead }: Context<State>): View {
  return { state, wall, ahead: ahead as Iterable<Claimed> };
}

/** The first of what stands in the way. */
function conflictsOf(wanted: Claimed, context: Context<State>, most: number): Conflict[] {
  return bounded((effort) => {
    const view = viewOf(context);
    const found: Conflict[] = [];
    const held = waitingFor(wanted.agent, view, effort);
    const add = ({ agent, mode, paths }: Claimed, more: Partial<Conflict>) =>
      found.push({
        agent,
        mode,
        paths: overlapping(paths, wanted.paths, effort),
        wanted: overlapping(wanted.paths, paths, effort),
        ...more,
      });
    for (const each of taken(wanted, view, effort)) {
      if (found.length === most) return found;
      const circle = held.find(({ waiting }) => waiting.agent === each.agent)?.circle;
      add(each, { id: each.id, expiresAt: each.expiresAt, ...(circle && { waitsForYou: true, circle }) });
    }
    for (const each of before(wanted, view, effort)) {
      if (found.length === most) return found;
      add(each, { waiting: true });
    }
    return found;
  });
}

/** True where it is of use to wait: something stands in the way, and nobody who has it waits, through others or not, for what this one has. */
function isHeldUp(wanted: Claimed, context: Context<State>): boolean {
  return bounded((effort) => {
    const view = viewOf(context);
    const held = waitingFor(wanted.agent, view, effort);
    let isTaken = false;
    for (const { agent } of taken(wanted, view, effort)) {
      if (held.some(({ waiting }) => waiting.agent === agent)) return false;
      isTaken = true;
      if (held.length === 0) break;
    }
    return isTaken || before(wanted, view, effort).next().done === false;
  });
}

function requireFree(wanted: Claimed, context: Context<State>): void {
  const found = conflictsOf(wanted, context, NAMED + 1);
  const one = found.find(({ circle }) => circle) ?? found[0];
  if (one === undefined) return;
  const { agent, mode, paths, wanted: overlapped, expiresAt, circle } = one;
  const since = expiresAt === undefined ? 'waits for it' : `has it until ${new Date(expiresAt).toISOString()}`;
  const others =
    circle
      ?.slice(1, -1)
      .map((each) => ` ${each}, who waits for`)
      .join('') ?? '';
  const cycle = circle ? `, and waits for${others} what you have` : '';
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
    mode: ModeInput.default('exclusive'),
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
      return isHeldUp(input, context);
    },
    keys: () => [QUEUE],
    queue: QUEUE,
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
