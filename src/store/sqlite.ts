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

/** SQLite's words for a file that is locked, damaged, gone, or on a disk that fails or is full. */
const FILE_FAULT =
  /database is locked|locking protocol|disk image is malformed|file is not a database|unable to open database file|disk I\/O error|database or disk is full/;

/** True where it is the file that failed, and not the statement. Not every error of the twin has SQLite's code. */
export function isFileFault(error: unknown): error is Error {
  return error instanceof Error && FILE_FAULT.test(error.message);
}

/** Opens a database file; waits up to a second for another process's lock. */
export function openDatabase(file: string, options: { readOnly?: boolean; timeout?: number } = {}): Database {
  return new driver.DatabaseSync(file, { timeout: 1_000, ...options });
}
