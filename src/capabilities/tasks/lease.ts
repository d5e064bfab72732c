import type { Context } from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import type { Draft } from '../../kernel/event.ts';
import { ANONYMOUS } from '../../kernel/names.ts';
import type { Claim, Task } from './state.ts';

/** A sign of life that would make a claim longer by less than this share of its time is not written down. */
const WORTH = 0.1;

/** How a writer stands to a task: has it, sees that another has it, or nobody has it. */
export type Standing = 'holder' | 'other' | 'free';

interface Writer {
  claim?: string | undefined;
}

/** Throws `stale_claim` where the writer brings a claim that is not the live one. */
export function standingOf(task: Task, { claim }: Writer, { actor, wall }: Context<unknown>): Standing {
  const live = liveClaim(task, wall);
  if (claim !== undefined) {
    if (live?.id !== claim) throw stale(task, live);
    if (actor !== ANONYMOUS && actor !== live.agent) throw notTheHolder(task, live, actor);
    return 'holder';
  }
  if (live === undefined) return 'free';
  return actor === live.agent ? 'holder' : 'other';
}

/** The live claim of a writer who must have it. Throws `stale_claim`, `not_the_holder`. */
export function requireClaim(task: Task, writer: Writer, context: Context<unknown>): Claim {
  if (standingOf(task, writer, context) === 'holder') return task.claim as Claim;
  throw notTheHolder(task, liveClaim(task, context.wall), context.actor);
}

/** The claim, where its time is not over. */
export function liveClaim({ claim }: Task, wall: number): Claim | undefined {
  return claim !== undefined && claim.expiresAt > wall ? claim : undefined;
}

/** The refusal of a claim that is not the live one. */
export function stale(task: Task, live: Claim | undefined): Refusal {
  const detail =
    live === undefined
      ? `That claim of "${task.id}" is over, and nobody has claimed it since.`
      : `That claim of "${task.id}" is over; ${live.agent} has it now.`;
  return new Refusal('stale_claim', detail, { extra: { taskStatus: task.status, ...holderOf(task, live) } });
}

function notTheHolder(task: Task, live: Claim | undefined, actor: string): Refusal {
  const detail =
    live === undefined ? `Nobody has claimed "${task.id}".` : `${live.agent} has "${task.id}", not ${actor}.`;
  return new Refusal('not_the_holder', detail, { extra: { taskStatus: task.status, ...holderOf(task, live) } });
}

/** The refusal that names who has a task, or to whom it was given. */
export function taken(task: Task, live: Claim | undefined): Refusal {
  const holder = live?.agent ?? task.assignee;
  return new Refusal('TASK_ALREADY_ASSIGNED', `"${task.id}" is ${live ? 'claimed by' : 'assigned to'} ${holder}.`, {
    extra: { taskStatus: task.status, ...holderOf(task, live) },
  });
}

/** What a refusal tells of who has it. */
function holderOf(task: Task, live: Claim | undefined): Record<string, unknown> {
  const assignee = live?.agent ?? task.assignee;
  return {
    ...(assignee !== undefined && { assignee }),
    ...(live && { generation: live.generation, expiresAt: live.expiresAt }),
  };
}

const DEFAULT_SECONDS = 900;

/** A new claim. */
export function newClaim(task: Task, agent: string, ttl: number | undefined, context: Context<unknown>): Claim {
  const { TASK_LEASE_SECONDS: seconds = DEFAULT_SECONDS } = context.settings as { TASK_LEASE_SECONDS?: number };
  const lasts = ttl ?? seconds;
  return {
    id: context.id('claim'),
    agent,
    generation: (task.generation ?? 0) + 1,
    expiresAt: context.wall + lasts * 1_000,
    ttl: lasts,
  };
}

/** The claim as it is after a heartbeat. */
export function extended(claim: Claim, wall: number, ttl: number = claim.ttl): Claim {
  return { ...claim, expiresAt: wall + ttl * 1_000, ttl };
}

/** The claim as it is after another sign of life; undefined where it would hardly last longer. */
export function renewed(claim: Claim, wall: number): Claim | undefined {
  const longer = extended(claim, wall);
  return longer.expiresAt - claim.expiresAt < claim.ttl * 1_000 * WORTH ? undefined : longer;
}

/** The event, if it is worth one, by which the holder's act makes the claim last on. */
export function signOfLife(task: Task, agent: string, wall: number): Draft[] {
  const live = liveClaim(task, wall);
  const claim = live?.agent === agent ? renewed(live, wall) : undefined;
  if (claim === undefined) return [];
  const { id, title, status } = task;
  return [{ type: 'task_lease_renewed', subject: id, data: { id, title, status, assignee: agent, claim } }];
}
