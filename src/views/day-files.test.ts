import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../tests/support/directory.ts';
import { type DayFile, DayFiles, type DayFilesSource } from './day-files.ts';

const ADA: DayFile = { agent: 'ada', day: '2026-05-17' };

/** A source of one file, whose text is set. */
function sourceOf(first: string | undefined) {
  let text = first;
  let seq = 1;
  let asked = 0;
  const waiting = new Set<() => void>();
  const source: DayFilesSource = {
    epoch: 'one',
    changed: () => seq,
    changedAfter: async (after) => ({ seq, files: after < seq ? [ADA] : [] }),
    all: async () => (text === undefined ? [] : [ADA]),
    async *read() {
      asked++;
      if (text !== undefined) yield* text;
    },
    onNext(wake) {
      waiting.add(wake);
      return () => waiting.delete(wake);
    },
  };
  return {
    source,
    asked: () => asked,
    set(next: string | undefined) {
      text = next;
      seq++;
      for (const wake of [...waiting]) {
        waiting.delete(wake);
        wake();
      }
    },
  };
}

test('a trouble is told once, however often it is tried again, and so is its end', async () => {
  using directory = temporaryDirectory();
  const dir = join(directory.path, 'views');
  writeFileSync(dir, 'in the way');
  const told: (string | undefined)[] = [];
  const { source } = sourceOf('text');
  const files = new DayFiles({
    dir,
    source,
    waitMs: 1,
    retryMs: 1,
    onTrouble: (error) => told.push(error && ((error as NodeJS.ErrnoException).code as string)),
  });
  await expect.poll(() => files.error).toMatch(/ENOTDIR/);
  // A few more times.
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(told).toEqual(['ENOTDIR']);
  rmSync(dir);
  await expect.poll(() => told).toEqual(['ENOTDIR', undefined]);
  expect(files.error).toBeUndefined();
  expect(readFileSync(join(dir, 'ada', '2026-05-17.md'), 'utf8')).toBe('text');
  await files.close();
});

test('what changed last is written before it ends, and many changes at once are written together', async () => {
  using directory = temporaryDirectory();
  const dir = directory.path;
  const file = join(dir, 'ada', '2026-05-17.md');
  const { source, set, asked } = sourceOf('0');
  const files = new DayFiles({ dir, source, waitMs: 50 });
  await expect.poll(() => existsSync(join(dir, '.written.json'))).toBe(true);
  for (let i = 1; i <= 100; i++) set(String(i));
  await files.close();
  expect(readFileSync(file, 'utf8')).toBe('100');
  expect(asked()).toBeLessThan(10);
  await files.close();
});

test('of another epoch everything is made anew, and a mark that cannot be read is none', async () => {
  using directory = temporaryDirectory();
  const dir = directory.path;
  const { source } = sourceOf('first');
  const run = async (more: Partial<DayFilesSource>) => {
    const files = new DayFiles({ dir, source: { ...source, ...more }, waitMs: 1 });
    await files.close();
    return readFileSync(join(dir, 'ada', '2026-05-17.md'), 'utf8');
  };
  const second = sourceOf('second').source;
  expect(await run({})).toBe('first');
  expect(await run({ read: second.read })).toBe('first');
  expect(await run({ read: second.read, epoch: 'two' })).toBe('second');
  writeFileSync(join(dir, '.written.json'), '{"format":');
  expect(await run({ epoch: 'two' })).toBe('first');
});

test('a file that fails keeps no other from being written later', async () => {
  using directory = temporaryDirectory();
  const dir = directory.path;
  const { source } = sourceOf('text');
  let broken = true;
  const other: DayFile = { agent: 'kai', day: '2026-05-17' };
  const files = new DayFiles({
    dir,
    source: {
      ...source,
      all: async () => [ADA, other],
      async *read(file) {
        if (broken && file.agent === 'ada') throw new Error('not now');
        yield 'text';
      },
    },
    waitMs: 1,
    retryMs: 1,
  });
  await expect.poll(() => existsSync(join(dir, 'kai', '2026-05-17.md'))).toBe(true);
  expect(files.error).toBe('not now');
  broken = false;
  await expect.poll(() => existsSync(join(dir, 'ada', '2026-05-17.md'))).toBe(true);
  await expect.poll(() => files.error).toBeUndefined();
  await files.close();
});

test('an end is not held up by many files, and the next start goes on', async () => {
  using directory = temporaryDirectory();
  const dir = directory.path;
  const days = Array.from({ length: 20 }, (_, i): DayFile => ({ agent: 'ada', day: `2026-05-${i + 10}` }));
  const written = () => days.filter(({ day }) => existsSync(join(dir, 'ada', `${day}.md`))).length;
  const { source } = sourceOf('text');
  const slow: DayFilesSource = {
    ...source,
    all: async () => days,
    async *read() {
      await new Promise((resolve) => setTimeout(resolve, 100));
      yield 'text';
    },
  };
  const files = new DayFiles({ dir, source: slow });
  await files.close();
  expect(written()).toBeLessThan(days.length);
  expect(existsSync(join(dir, '.written.json'))).toBe(false);
  const again = new DayFiles({ dir, source: { ...slow, read: source.read } });
  await expect.poll(written).toBe(days.length);
  await again.close();
});
