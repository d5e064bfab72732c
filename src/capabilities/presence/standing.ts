import type { LiveCollection, Moment } from '../../kernel/capability.ts';
import type { Sighting } from '../../kernel/sightings.ts';
import { heldBy } from '../tasks/index.ts';
import type { Task } from '../tasks/state.ts';
import type { Presence, PresenceStatus } from './state.ts';

export interface State {
  presences: LiveCollection<Presence>;
  tasks: LiveCollection<Task>;
}

/** How an agent is, and until when that is so if nothing happens: milliseconds since 1970, infinite where time alone changes nothing. */
export interface Standing {
  status: PresenceStatus;
  task?: string | undefined;
  /** It says so itself. */
  declared: boolean;
  until: number;
}

/** What is known of an agent: what was written down of it, what was seen of it, the task that it has claimed. */
interface Known {
  written: Presence | undefined;
  sighting: Sighting;
  held: Task | undefined;
}

/** Milliseconds after which an agent that waits again was doing something between: less is a client that asks anew. */
const AGAIN_MS = 10_000;
const IDLE_SECONDS = 300;
const OFFLINE_SECONDS = 900;
const FOREVER = Number.POSITIVE_INFINITY;

/** What an agent may say of itself that only a sign of life keeps true. */
const BUSY = new Set<PresenceStatus>(['working', 'reviewing', 'blocked', 'waiting']);

/** How an agent is at a moment. docs/decisions/presence-from-evidence.md has the rules in words. */
export function standingOf(
  { written, sighting, held }: Known,
  { wall, settings }: Pick<Moment<unknown>, 'wall' | 'settings'>,
): Standing {
  const { PRESENCE_IDLE_SECONDS: idle = IDLE_SECONDS, PRESENCE_OFFLINE_SECONDS: offline = OFFLINE_SECONDS } =
    settings as { PRESENCE_IDLE_SECONDS?: number; PRESENCE_OFFLINE_SECONDS?: number };
  const { connections, waiting, seen, acted, waited, left } = sighting;
  const said = written?.said ?? 0;
  const declared = written?.declared ? written.status : undefined;
  if (declared === 'offline' && seen.seq <= said) return { status: 'offline', declared: true, until: FOREVER };
  const here = held || connections > 0 || waiting > 0 ? FOREVER : Math.max(seen.at, left) + offline * 1_000;
  if (wall >= here) return { status: 'offline', declared: false, until: FOREVER };
  const fresh = Math.min(here, held ? FOREVER : seen.at + idle * 1_000);
  if (declared && BUSY.has(declared) && wall < fresh)
    return { status: declared, task: written?.task, declared: true, until: fresh };
  if (held) return { status: 'working', task: held.id, declared: false, until: FOREVER };
  const waits = Math.min(here, waiting > 0 ? FOREVER : waited + AGAIN_MS);
  if (wall < waits) return { status: 'waiting', declared: false, until: waits };
  const busy = Math.min(here, acted.seq > said ? acted.at + idle * 1_000 : 0);
  if (wall < busy) return { status: 'working', declared: false, until: busy };
  return { status: 'idle', declared: declared === 'idle', until: here };
}

/** How an agent is; as if that were written down of it which is given. */
export function standing(
  agent: string,
  moment: Moment<State>,
  written: Presence | undefined = moment.state.presences.get(agent),
): Standing {
  const sighting = moment.sightings.of(agent);
  return standingOf({ written, sighting, held: heldBy(moment.state, agent) }, moment);
}

/** True where what is written down says so. Of whom nothing is written, it is that nobody is here. */
export function isWritten(written: Presence | undefined, { status, task, declared }: Standing): boolean {
  const { status: was, task: at, declared: said = false } = written ?? { status: 'offline' };
  return was === status && at === task && said === declared;
}

/** A presence as it is shown and written down. */
export function describe(
  agent: string,
  { status, task, declared }: Standing,
  { state, wall, sightings }: Moment<State>,
  since: number,
): Presence {
  const { connections, waiting, seen, left } = sightings.of(agent);
  const lastUpdate = Math.max(state.presences.get(agent)?.lastUpdate ?? 0, seen.at, left) || wall;
  return {
    agent,
    status,
    ...(task !== undefined && { task }),
    since,
    lastUpdate,
    connections,
    ...(waiting > 0 && { waiting }),
    ...(declared && { declared }),
  };
}

/** An agent's presence now; undefined where nothing was ever seen of it. */
export function presenceOf(agent: string, moment: Moment<State>): Presence | undefined {
  const written = moment.state.presences.get(agent);
  const now = standing(agent, moment);
  if (written === undefined && now.status === 'offline') return undefined;
  return describe(agent, now, moment, sinceOf(written, now) ?? moment.wall);
}

/** Since when it has been so; undefined where it was not so before. */
export function sinceOf(written: Presence | undefined, { status, task }: Standing): number | undefined {
  return written?.status === status && written.task === task ? written.since : undefined;
}
