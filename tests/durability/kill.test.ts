import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { KillLoop } from './kill-loop.ts';

const ROUNDS = 6;

test('a server killed under load has every acknowledged message, claim, comment and completion exactly once, in order, and knows its keys', async () => {
  using temp = temporaryDirectory();
  const loop = new KillLoop(temp.path);
  for (let round = 0; round < ROUNDS; round++) {
    // The kill falls at another moment of the write path each time.
    const most = 150 + round * 37;
    const wrong = await loop.round(async ({ acknowledged }) => {
      while (acknowledged.length < most) await delay(1);
    });
    expect(wrong).toEqual([]);
  }
  expect(loop.messages.length).toBeGreaterThan(ROUNDS * 150);
  expect(loop.taken).toBeGreaterThan(loop.completed);
  expect(loop.completed).toBeGreaterThan(ROUNDS * 10);
}, 120_000);
