import { expect, test } from 'vitest';
import { pauseOf, sleep } from './pause.ts';

const options = { tries: 8, firstMs: 100, mostMs: 1_000 };

test('pauses double up to the longest, each with up to a half at random', () => {
  for (let n = 0; n < 40; n++) {
    const least = Math.min(1_000, 100 * 2 ** n);
    const pauses = Array.from({ length: 50 }, () => pauseOf(n, options));
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(least);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(least * 1.5);
    expect(new Set(pauses).size).toBeGreaterThan(40);
  }
});

test('a pause that is asked for is kept, and not cut to the longest', () => {
  expect(pauseOf(0, options, 5_000)).toBeGreaterThanOrEqual(5_000);
  expect(pauseOf(0, options, 50)).toBeLessThan(151);
});

test('a sleep ends with its signal, and one that is aborted does not begin', async () => {
  const stop = new AbortController();
  const sleeping = sleep(60_000, stop.signal);
  stop.abort(new Error('enough'));
  await expect(sleeping).rejects.toThrow('enough');
  await expect(sleep(60_000, stop.signal)).rejects.toThrow('enough');
  await sleep(1, new AbortController().signal);
});
