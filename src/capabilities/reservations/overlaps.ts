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

/** Which of these paths overlap some of the others. */
function overlapping(paths: readonly string[], others: readonly string[], effort: Effort): string[] {
  const { globs } = areaOf(others);
  const own = areaOf(paths).globs;
  return paths.filter((_, i) => globs.some((each) => overlap(own[i] as Glob, each, effort)));
}

function clash(a: Claimed, b: Claimed, effort: Effort): boolean {
  if (a.agent === b.agent || (a.mode === 'shared' && b.mode === 'shared')) return false;
  return areaOf(a.paths).globs.some((each) => areaOf(b.paths).globs.some((other) => overlap(each, other, effort)));
}

/** Why somebody cannot have what it wants. */
export interface Conflict {
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
  /** It waits for what the one that asks has: it will not let go before. */
  waitsForYou?: true;
}

/** What must be known to tell whether something is free. */
interface View {
  state: State;
  wall: number;
  /** Who waits already. */
  ahead: readonly Claimed[];
}

/** What stands in the way, as it is found. Throws `rate_limited` where so much is reserved that it cannot be told. */
export function* conflicts(wanted: Claimed, { state, wall, ahead }: View): Generator<Conflict, void> {
  const effort = new Effort();
  try {
    for (const reservation of near(state, wanted.paths)) {
      if (!isLive(reservation, wall) || !clash(wanted, reservation, effort)) continue;
      const { id, agent, expiresAt } = reservation;
      const waits = ahead.some((each) => each.agent === agent && isHeldUp(each, wanted.agent));
      yield { ...meeting(reservation), id, expiresAt, ...(waits && { waitsForYou: true as const }) };
    }
    // Who has what another waits for is not held up by that one: both would wait for ever.
    for (const earlier of ahead)
      if (clash(wanted, earlier, effort) && !isHeldUp(earlier, wanted.agent))
        yield { ...meeting(earlier), waiting: true };
  } catch (error) {
    throw refusalOf(error);
  }

  function isHeldUp(waiting: Claimed, agent: string): boolean {
    for (const reservation of near(state, waiting.paths))
      if (reservation.agent === agent && isLive(reservation, wall) && clash(waiting, reservation, effort)) return true;
    return false;
  }

  function meeting({ agent, mode, paths }: Claimed) {
    return {
      agent,
      mode,
      paths: overlapping(paths, wanted.paths, effort),
      wanted: overlapping(wanted.paths, paths, effort),
    };
  }
}

/** The live reservations that overlap a path or glob. Throws `rate_limited` as {@link conflicts} does. */
export function* covering(state: State, path: string, wall: number): Generator<Reservation, void> {
  const effort = new Effort();
  const paths = [path];
  try {
    for (const reservation of near(state, paths))
      if (isLive(reservation, wall) && overlapping(paths, reservation.paths, effort).length > 0) yield reservation;
  } catch (error) {
    throw refusalOf(error);
  }
}

function refusalOf(error: unknown): unknown {
  return error instanceof TooMuchEffort
    ? new Refusal('rate_limited', 'So much is reserved with wildcards that it cannot be told whether this is free.')
    : error;
}
