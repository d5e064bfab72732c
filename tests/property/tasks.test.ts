import fc from 'fast-check';
import { test } from 'vitest';
import { type Step, storyOf } from './board/acts.ts';
import { FileBoard } from './board/file-board.ts';
import { MemoryBoard } from './board/memory-board.ts';

/** Plays a story; where it fails, the error tells what happened until then. */
async function play(board: MemoryBoard | FileBoard, story: readonly Step[]): Promise<void> {
  try {
    for (const step of story) await board.step(step);
    await board.end();
  } catch (error) {
    (error as Error).message += `\n${board.player.transcript.join('\n')}`;
    throw error;
  }
}

async function playInMemory(story: readonly Step[]): Promise<void> {
  await using board = await MemoryBoard.open();
  await play(board, story);
}

async function playInFiles(story: readonly Step[]): Promise<void> {
  await using board = await FileBoard.open();
  await play(board, story);
}

test('a board is what a small model of it says, after every command and every crash', {
  timeout: 120_000,
}, async () => {
  await fc.assert(fc.asyncProperty(storyOf(['crashed'], 40), playInMemory), { numRuns: 200, unbiased: true });
});

test('and so it is in files that a crash leaves as they are', { timeout: 120_000 }, async () => {
  await fc.assert(fc.asyncProperty(storyOf(['crashed'], 20), playInFiles), { numRuns: 5, unbiased: true });
});

test('what the journal does not keep was never there, in no order and no count', { timeout: 120_000 }, async () => {
  await fc.assert(fc.asyncProperty(storyOf(['aborted', 'crashed'], 40), playInMemory), {
    numRuns: 150,
    unbiased: true,
  });
});
