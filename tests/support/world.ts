import type { World } from '../../src/kernel/options.ts';

/** A world whose clock stands still until it is moved. */
export interface ControlledWorld extends World {
  later(ms: number): void;
}

export function controlledWorld(start = Date.UTC(2026, 5, 1)): ControlledWorld {
  let now = start;
  let ids = 0;
  return {
    clock: () => now,
    random: (n) => (ids++).toString(36).padStart(n, '0'),
    later(ms) {
      now += ms;
    },
  };
}
