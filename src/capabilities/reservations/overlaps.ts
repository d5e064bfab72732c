import type { LiveCollection } from '../../kernel/collection.ts';
import { Refusal } from '../../kernel/errors.ts';
import type { OrderSpec } from '../../kernel/order.ts';
import { beginningsOf, Effort, type Glob, overlap, read, TooMuchEffort } from './glob.ts';
import type { Mode, Reservation, ReservationsState } from './state.ts';

export interface State extends ReservationsState {
  reservations: LiveCollection<Reservation>;
}

/** What somebody has, or wants to have. */
export interface Claimed {
  agent: string;
  paths: readonly string[];
  mode: Mode;
}

interface Area {
  globs: readonly Glob[];
  groups: readonly string[];
}

/** Paths are read once: a reservation that is renewed keeps them. */
const areas = new WeakMap<readonly string[], Area>();

function areaOf(paths: readonly string[]): Area {
  let area = areas.get(paths);
  if (area === undefined) {
    const globs = paths.map(read);
    areas.set(paths, (area = { globs, groups: groupsOf(globs) }));
  }
  return area;
}

/** A glob stands at the names that it begins with, and in all that is above them. */
function groupsOf(globs: readonly Glob[]): string[] {
  const groups = new Set<string>();
  for (const names of globs.flatMap(beginningsOf)) {
    groups.add(`at ${names.join('/')}`);
    for (let depth = 0; depth <= names.length; depth++) groups.add(`in ${names.slice(0, depth).join('/')}`);
  }
  return [...groups];
}

/** Reservations by the names that their paths begin with, so that few have to be compared. */
export const area: OrderSpec<Reservation> = {
  groups: ({ paths }) => areaOf(paths).groups,
  key: ({ id }) => [id],
};

/** Reservations, each once, that may overlap these paths: no other does. */
function* near(state: State, paths: readonly string[]): Generator<Reservation, void> {
  const groups = new Set<string>();
  for (const names of areaOf(paths).globs.flatMap(beginningsOf)) {
    for (let depth = 0; depth < names.length; depth++) groups.add(`at ${names.slice(0, depth).join('/')}`);
    groups.add(`in ${names.join('/')}`);
  }
  const seen = new Set<string>();
  for (const group of groups)
    for (const reservation of state.reservations.inOrder('area', group)) {
      if (seen.has(reservation.id)) continue;
      seen.add(reservation.id);
      yield reservation;
    }
}

/** True where it is not over, also where nobody has said so yet. */
export function isLive({ expiresAt, leaseEnded }: Reservation, wall: number): boolean {
  return leaseEnded === undefined && expiresAt > wall;
}

function clash(a: Claimed, b: Claimed, effort: Effort): boolean {
  if (a.agent === b.agent || (a.mode === 'shared' && b.mode === 'shared')) return false;
  return areaOf(a.paths).globs.some((each) => areaOf(b.paths).globs.some((other) => overlap(each, other, effort)));
}

/** Which of these paths overlap some of the others. */
export function overlapping(paths: readonly string[], others: readonly string[], effort: Effort): string[] {
  const { globs } = areaOf(others);
  const own = areaOf(paths).globs;
  return paths.filter((_, i) => globs.some((each) => overlap(own[i] as Glob, each, effort)));
}

/** What must be known to tell whether something is free. */
export interface View {
  state: State;
  wall: number;
  /** Who waits already. */
  ahead: Iterable<Claimed>;
}

/** Reservations of others that stand in the way, as they are found. */
export function* taken(wanted: Claimed, { state, wall }: View, effort: Effort): Generator<Reservation, void> {
  for (const reservation of near(state, wanted.paths))
    if (isLive(reservation, wall) && clash(wanted, reservation, effort)) yield reservation;
}

/** Somebody ahead who cannot go on before an agent lets go of what it has. */
interface Held {
  waiting: Claimed;
  /** Who that one waits for, that one for the next, and the last for the agent. */
  circle: readonly string[];
}

/**
 * Those ahead who wait for what an agent has, for one of these, or behind one of them, the nearest first. The agent is
 * not behind any of them, and does not wait for what they have: all would wait for ever.
 */
export function waitingFor(agent: string, { state, wall, ahead }: View, effort: Effort): Held[] {
  const ownOf = (name: string) =>
    [...state.reservations.inOrder('listed', `agent ${name}`)].filter((each) => isLive(each, wall));
  const own = ownOf(agent);
  if (own.length === 0) return [];
  const isFor = (waiting: Claimed, things: readonly Claimed[]) => things.some((each) => clash(waiting, each, effort));
  const found: (Held & { turn: number })[] = [];
  let rest = [...ahead].map((waiting, turn) => ({ waiting, turn }));
  const find = (waits: (waiting: Claimed, turn: number) => boolean, circle: readonly string[]) => {
    rest = rest.filter(({ waiting, turn }) => {
      if (!waits(waiting, turn)) return true;
      found.push({ waiting, turn, circle: [waiting.agent, ...circle] });
      return false;
    });
  };
  find((waiting) => isFor(waiting, own), [agent]);
  for (const { waiting: first, turn, circle } of found) {
    const things = ownOf(first.agent);
    const isBehind = (waiting: Claimed, at: number) =>
      at > turn && clash(waiting, first, effort) && !isFor(first, ownOf(waiting.agent));
    find((waiting, at) => isFor(waiting, things) || isBehind(waiting, at), circle);
  }
  return found;
}

/** Those ahead who stand in the way. */
export function* before(wanted: Claimed, view: View, effort: Effort): Generator<Claimed, void> {
  let held: Claimed[] | undefined;
  for (const waiting of view.ahead) {
    if (!clash(wanted, waiting, effort)) continue;
    held ??= waitingFor(wanted.agent, view, effort).map((each) => each.waiting);
    if (!held.includes(waiting)) yield waiting;
  }
}

/** The live reservations that overlap a path or glob. */
export function* covering(state: State, path: string, wall: number, effort: Effort): Generator<Reservation, void> {
  const paths = [path];
  for (const reservation of near(state, paths))
    if (isLive(reservation, wall) && overlapping(paths, reservation.paths, effort).length > 0) yield reservation;
}

/** Looks at globs for so long at most. Throws `rate_limited` where that does not do. */
export function bounded<T>(look: (effort: Effort) => T): T {
  try {
    return look(new Effort());
  } catch (error) {
    if (!(error instanceof TooMuchEffort)) throw error;
    throw new Refusal(
      'rate_limited',
      'So much is reserved with wildcards that it cannot be told whether this is free.',
    );
  }
}
