import { expect, test } from 'vitest';
import { createProgress } from './progress.ts';

/** What is said while events are read: at each time (ms), so many are done. */
function said(total: number, ...steps: [at: number, done: number][]): string[] {
  const lines: string[] = [];
  let now = 0;
  const progress = createProgress(
    (line) => lines.push(line),
    () => now,
  );
  for (const [at, done] of steps) {
    now = at;
    progress(done, total);
  }
  return lines;
}

test('a line a second says how far, how fast and how much longer; the last says the end', () => {
  expect(said(4_000, [500, 500], [1_000, 1_000], [1_500, 1_500], [2_000, 2_000], [4_000, 4_000])).toEqual([
    'Reading the journal: 1000 of 4000 events (25 %), 1000/s, 3 s left',
    'Reading the journal: 2000 of 4000 events (50 %), 1000/s, 2 s left',
    'Reading the journal: 4000 of 4000 events (100 %), 1000/s, 0 s left',
  ]);
});

test('what takes less than a second is not worth a line', () => {
  expect(said(100, [200, 50], [400, 100])).toEqual([]);
});
