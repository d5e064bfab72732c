import type { Histories } from './history.ts';

/** A figure that has a bound. */
export interface Check {
  what: string;
  bound: string;
  measured: string;
  reached: boolean;
}

/** Raw figures. */
export interface Table {
  title: string;
  head: readonly string[];
  rows: readonly (readonly string[])[];
}

export interface Result {
  checks: Check[];
  tables: Table[];
}

export interface Settings {
  /** Shorter runs and a history of 50,000 messages instead of 1,000,000. */
  quick: boolean;
  histories: Histories;
}

/** Measures one thing. Throws where something is broken, and never because a bound is missed. */
export type Benchmark = (settings: Settings) => Promise<Result>;
