import { createRequire } from 'node:module';

type Value = string | number | bigint | null | Uint8Array;

export interface Statement {
  run(...params: Value[]): unknown;
  get(...params: Value[]): unknown;
  all(...params: Value[]): unknown[];
}

export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

interface Driver {
  DatabaseSync: new (file: string, options?: { readOnly?: boolean; timeout?: number }) => Database;
}

const require = createRequire(import.meta.url);

/** SQLite is part of Node from 22.13 on; before that its twin with the same interface and no build step. */
function load(): { driver: Driver; name: string } {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 13))
    return { driver: require('node:sqlite') as Driver, name: 'node:sqlite' };
  return { driver: require('@photostructure/sqlite') as Driver, name: '@photostructure/sqlite' };
}

const { driver, name } = load();

export const DRIVER = name;

/** Opens a database file; waits up to a second for another process's lock. */
export function openDatabase(file: string, options: { readOnly?: boolean; timeout?: number } = {}): Database {
  return new driver.DatabaseSync(file, { timeout: 1_000, ...options });
}
