import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { config as loadDotenv } from 'dotenv';
import { nanoid } from 'nanoid';
import { type Config, InvalidSettings, readConfig } from '../../config.ts';
import { Refusal } from '../../kernel/errors.ts';
import { OPENING_REFUSALS, openKernel } from '../../node.ts';
import { DirectoryInUse } from '../../store/lock.ts';
import { describeBad, describeParts, partsOf } from './report.ts';
import { readSource, type Source } from './source.ts';
import { type Counts, writeSource } from './write-source.ts';

const USAGE = `Usage: npm run import -- <directory> [--dry-run]

Imports messages.jsonl, tasks.jsonl and inbox/*.json of an original data directory into DATA_DIR.
What is there already stays as it is, so it may be run again. Nothing of <directory> is changed.
Ends with 0, with 2 where something was bad and was left out, with 1 where nothing could be done.`;

/** Nothing can be done; the message says why to the person at the keyboard. */
class Hopeless extends Error {}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** A function that says at most one line a second. */
function paced(): (line: () => string) => void {
  let last = performance.now();
  return (line) => {
    const now = performance.now();
    if (now - last < 1_000) return;
    last = now;
    say(line());
  };
}

function readArguments(): { dir: string; dryRun: boolean } {
  try {
    const { values, positionals } = parseArgs({ options: { 'dry-run': { type: 'boolean' } }, allowPositionals: true });
    const [dir, ...rest] = positionals;
    if (dir === undefined || rest.length > 0) throw new Hopeless(USAGE);
    return { dir: resolve(dir), dryRun: values['dry-run'] ?? false };
  } catch (error) {
    throw error instanceof Hopeless ? error : new Hopeless(`${(error as Error).message}\n\n${USAGE}`);
  }
}

async function read(dir: string): Promise<Source> {
  if (!existsSync(dir) || !statSync(dir).isDirectory()) throw new Hopeless(`There is no directory ${dir}.`);
  const tell = paced();
  const source = await readSource(dir, (file, lines) => tell(() => `Reading ${file}: ${lines} lines`));
  if (partsOf(source).length === 0)
    throw new Hopeless(`${dir} has no messages.jsonl, no tasks.jsonl and no inbox: nothing to import.`);
  return source;
}

async function write(config: Config, source: Source, dryRun: boolean): Promise<Map<string, Counts>> {
  // A rehearsal on a directory that has no journal leaves it so.
  const scratch =
    dryRun && !existsSync(join(config.DATA_DIR, 'journal'))
      ? mkdtempSync(join(tmpdir(), 'reflectt-import-'))
      : undefined;
  let left = partsOf(source).reduce((sum, { records }) => sum + records.length, 0);
  try {
    const opened = await openKernel({
      config: { ...config, DATA_DIR: scratch ?? config.DATA_DIR },
      // Every event has a millisecond of its own: begun that much earlier, the last is not ahead of the clock.
      world: { clock: () => Date.now() - left, random: nanoid },
    });
    try {
      for (const note of opened.notes) say(`  mended ${note}`);
      const tell = paced();
      return await writeSource({
        kernel: opened.kernel,
        source,
        dryRun,
        onProgress({ part, step, done, total }) {
          left -= step;
          tell(() => `${part}: ${done} of ${total} (${Math.floor((100 * done) / total)} %)`);
        },
      });
    } finally {
      await opened.close();
    }
  } catch (error) {
    if (error instanceof DirectoryInUse)
      throw new Hopeless(`${error.message}\nIf that is the server: stop it, import, then start it again.`);
    throw error;
  } finally {
    if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const { dir, dryRun } = readArguments();
  loadDotenv({ quiet: true });
  const config = readConfig(process.env);
  say(`${dryRun ? 'Rehearsing the import of' : 'Importing'} ${dir} into ${resolve(config.DATA_DIR)}`);
  const source = await read(dir);
  const counts = await write(config, source, dryRun);
  const bad = partsOf(source).flatMap((part) => part.bad);
  for (const one of bad) process.stderr.write(`${describeBad(one)}\n`);
  for (const line of describeParts(source, counts, dryRun)) say(line);
  const changed = [...counts.values()].some(({ imported }) => imported > 0);
  say(dryRun ? 'Nothing was written.' : changed ? 'Done.' : 'Done. Nothing had to be changed.');
  process.exitCode = bad.length > 0 ? 2 : 0;
}

/** What the person at the keyboard can mend: said in words, without a stack. */
const EXPECTED = [Hopeless, InvalidSettings, ...OPENING_REFUSALS];

function explain(error: unknown): string {
  if (error instanceof Refusal)
    return `${error.message}\nWhat was imported so far stays; run it again once the cause is gone.`;
  if (EXPECTED.some((type) => error instanceof type)) return (error as Error).message;
  return error instanceof Error ? String(error.stack) : String(error);
}

main().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 1;
});
