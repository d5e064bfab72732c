import type { Context, IndexView, Moment, QueryContext } from './capability.ts';
import type { Journal } from './journal/journal.ts';
import type { World } from './options.ts';
import type { Keys, Sleeper } from './sleepers.ts';
import type { Caller } from './validate.ts';

/** What contexts are made of, beside what they hand on as it is. */
type Parts = Pick<
  QueryContext<never>,
  'state' | 'settings' | 'began' | 'sightings' | 'feed' | 'search' | 'toolbox' | 'connections' | 'operations' | 'health'
> & {
  world: World;
  journal: Journal;
  view<R>(read: (view: IndexView) => R): Promise<R>;
  scan<R>(sql: string, params: readonly (string | number | null)[]): Promise<R[]>;
  sleep(keys: Keys, ms: number, agent: string | undefined, signal: AbortSignal | undefined): Sleeper;
  snapshot(agent: string | undefined): ReturnType<QueryContext<never>['snapshot']>;
};

/** Makes what commands decide by and what queries read. */
export interface Contexts {
  moment(): Moment<never>;
  command(actor: string, ahead?: Iterable<unknown>, connection?: string): Context<never>;
  /** For a caller that named itself or not. */
  query(agent: string | undefined, caller?: Caller): QueryContext<never>;
}

export function createContexts(parts: Parts): Contexts {
  const { world, journal, view, scan, sleep, snapshot, state, settings, began, sightings } = parts;
  const { feed, search, toolbox, connections, operations, health } = parts;
  // Written out, not spread: these are made for every command, and a spread takes ten times as long.
  const moment = (): Moment<never> => ({ state, wall: world.clock(), settings, began, sightings });
  return {
    moment,
    command(actor, ahead = [], connection) {
      const wall = world.clock();
      const now = Math.max(wall, journal.lastAt + 1);
      const id = (prefix: string) => `${prefix}-${now}-${world.random(9)}`;
      return { state, wall, settings, began, sightings, actor, connection, now, seq: journal.head + 1, ahead, id };
    },
    query(agent, { signal, connection } = {}) {
      const wall = world.clock();
      return {
        state,
        wall,
        settings,
        began,
        sightings,
        agent,
        connection,
        now: Math.max(wall, journal.lastAt),
        head: journal.head,
        epoch: journal.epoch,
        feed,
        signal,
        search,
        toolbox,
        connections,
        operations,
        health,
        index: view,
        scan: (sql, ...params) => scan(sql, params),
        sleeper: (keys, ms) => sleep(keys, ms, agent, signal),
        snapshot: () => snapshot(agent),
      };
    },
  };
}
