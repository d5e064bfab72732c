import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../tests/support/directory.ts';
import type { CollectionSpec } from '../kernel/capability.ts';
import { LiveCollection } from '../kernel/collection.ts';
import { IndexStore } from './index-store.ts';

const NOTES: CollectionSpec = { name: 'notes', keep: 'memory' };

/** An index that may be written when the test lets the journal sync. */
function openIndex() {
  const temp = temporaryDirectory();
  const syncs: { resolve: () => void; reject: (error: Error) => void }[] = [];
  let over = false;
  const sync = () => new Promise<void>((resolve, reject) => (over ? resolve() : syncs.push({ resolve, reject })));
  const journal = { id: 'a-journal', epoch: 'first', durable: 0, sync };
  const index = IndexStore.open({ file: join(temp.path, 'index.sqlite'), collections: [NOTES], journal });
  const collection = new LiveCollection<{ text: string }>('notes', { changes: [] });
  let last = 0;
  return {
    index,
    syncs,
    /** Writes one event of so many bytes. */
    write(bytes: number) {
      last++;
      index.write(last, [{ collection, id: `note-${last}`, before: undefined, after: { text: 'x' } }], bytes);
    },
    async [Symbol.asyncDispose]() {
      over = true;
      for (const { resolve } of syncs.splice(0)) resolve();
      await index.close();
      temp[Symbol.dispose]();
    },
  };
}

const MIB = 1024 * 1024;

test('the index is full where events of more than 64 MiB wait, and has room when it has caught up', async () => {
  await using opened = openIndex();
  const { index, syncs, write } = opened;
  for (let i = 0; i < 64; i++) {
    expect(index.full).toBe(false);
    write(MIB);
  }
  expect(index.full).toBe(true);
  let room = false;
  const waiting = index.room().then(() => (room = true));
  await expect.poll(() => syncs.length).toBe(1);
  expect([room, index.status().backlog, index.applied]).toEqual([false, 64, 0]);
  syncs.shift()?.resolve();
  await waiting;
  expect(index.status()).toMatchObject({ applied: 64, backlog: 0, full: false });
  await index.room();
});

test('many small changes are too much as well', async () => {
  await using opened = openIndex();
  let n = 0;
  for (; !opened.index.full && n < 1_000_000; n++) opened.write(0);
  expect(n).toBeLessThan(300_000);
});

test('where it cannot be written, whoever waits for room is refused at once; it goes on by itself', async () => {
  await using opened = openIndex();
  const { index, syncs, write } = opened;
  for (let i = 0; i < 65; i++) write(MIB);
  const waiting = index.room();
  await expect.poll(() => syncs.length).toBe(1);
  syncs.shift()?.reject(new Error('no'));
  const refusal = {
    code: 'index_unavailable',
    options: { retryAfter: 2 },
    message: expect.stringMatching(/65 events.*no/),
  };
  await expect(waiting).rejects.toMatchObject(refusal);
  await expect(index.room()).rejects.toMatchObject(refusal);
  expect(index.status()).toMatchObject({ error: 'no', backlog: 65, full: true });
  await expect.poll(() => syncs.length, { timeout: 5_000 }).toBe(1);
  syncs.shift()?.resolve();
  await expect.poll(() => index.status().full).toBe(false);
  expect(index.status().error).toBeUndefined();
});
