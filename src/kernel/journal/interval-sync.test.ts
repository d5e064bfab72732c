import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { IntervalSync } from './interval-sync.ts';

/** A disk whose syncs end when the test says so; each notes what was written when it began. */
function slowDisk(ms = 60_000) {
  const seen: number[] = [];
  const ends: (() => void)[] = [];
  let writes = 0;
  const interval = new IntervalSync(ms, () => {
    seen.push(writes);
    return new Promise((resolve) => ends.push(resolve));
  });
  return {
    seen,
    interval,
    write() {
      writes++;
      interval.written();
    },
    /** Ends the sync that runs, and lets everybody who waited for it go on. */
    async end() {
      ends.shift()?.();
      await delay(0);
    },
  };
}

test('what was written is synced when it is due, once', async () => {
  const { seen, write, end, interval } = slowDisk(5);
  write();
  await expect.poll(() => seen).toEqual([1]);
  await end();
  await delay(50);
  expect(seen).toEqual([1]);
  await interval.close();
});

test('nothing is due after it is closed, and what was written before is synced', async () => {
  const { seen, write, end, interval } = slowDisk(5);
  write();
  const closed = interval.close();
  await delay(0);
  await end();
  await closed;
  write();
  await delay(50);
  expect(seen).toEqual([1]);
});

test('who asks while a sync runs waits for one that began later; all who ask share it', async () => {
  const { seen, write, end, interval } = slowDisk();
  write();
  let [first, second] = [false, false];
  void interval.now().then(() => (first = true));
  await delay(0);
  write();
  const both = Promise.all([interval.now(), interval.now()]).then(() => (second = true));
  await end();
  expect([first, second, ...seen]).toEqual([true, false, 1, 2]);
  await end();
  await both;
  await interval.now();
  expect(seen).toEqual([1, 2]);
  await interval.close();
});
