import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { JournalDamaged } from '../../src/kernel/journal/damage.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { append, command, copyJournal, openJournal, readAll } from './support.ts';

const seqs = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

test('records written while segments rotate and others read are all there, in order', async () => {
  using temp = temporaryDirectory();
  const dir = join(temp.path, 'journal');
  const journal = await openJournal(dir, 2_000);
  const reading = (async () => {
    for (let i = 0; i < 40; i++) {
      const records = await readAll(journal);
      expect(records.map(({ event }) => event.seq)).toEqual(seqs(records.length));
    }
  })();
  const writing = Array.from({ length: 60 }, async () => {
    for (let i = 0; i < 5; i++) {
      await journal.append(command(journal.head, 1 + (i % 3))).settled;
    }
  });
  await Promise.all([...writing, reading]);
  expect(journal.status().segments).toBeGreaterThan(2);
  const { head } = journal;
  await journal.close();
  const again = await openJournal(dir, 2_000);
  expect((await readAll(again)).map(({ event }) => event.seq)).toEqual(seqs(head));
  await again.close();
});

test('a close in the middle of a rotation lets what was accepted become durable', async () => {
  using temp = temporaryDirectory();
  const dir = join(temp.path, 'journal');
  const journal = await openJournal(dir, 500);
  const batches = [1, 2, 3, 4].map(() => journal.append(command(journal.head, 3)));
  await journal.close();
  await Promise.all(batches.map((batch) => batch.settled));
  const again = await openJournal(dir, 500);
  expect(again.durable).toBe(12);
  await again.close();
});

describe('a kill at any step of a rotation', () => {
  /** The files before a rotation and after it, and the records that are acknowledged then. */
  async function rotated(root: string) {
    const dir = join(root, 'made', 'journal');
    const journal = await openJournal(dir, 700);
    await append(journal, [1, 1]);
    const before = copyJournal(dir, join(root, 'before', 'journal'));
    await append(journal, [4]);
    expect(journal.status().segments).toBe(2);
    const after = copyJournal(dir, join(root, 'after', 'journal'));
    await journal.close();
    const name = readdirSync(after)
      .filter((file) => file.endsWith('.jsonl'))
      .at(-1) as string;
    return {
      before,
      after,
      name,
      header: readFileSync(join(after, name)).subarray(0, readFileSync(join(after, name)).indexOf(0x0a) + 1),
    };
  }

  test.each([
    [
      'while the new header is in its temp file',
      (s: Awaited<ReturnType<typeof rotated>>) =>
        writeFileSync(join(s.before, `${s.name}.tmp`), s.header.subarray(0, 50)),
      2,
    ],
    [
      'after the rename, before the manifest',
      (s: Awaited<ReturnType<typeof rotated>>) => writeFileSync(join(s.before, s.name), s.header),
      2,
    ],
    [
      'with an empty new segment',
      (s: Awaited<ReturnType<typeof rotated>>) => writeFileSync(join(s.before, s.name), ''),
      2,
    ],
    [
      'with the manifest in its temp file, and records in the new segment',
      (s: Awaited<ReturnType<typeof rotated>>) => {
        writeFileSync(join(s.before, s.name), readFileSync(join(s.after, s.name)));
        writeFileSync(join(s.before, 'manifest.json.tmp'), '{"jour');
      },
      6,
    ],
  ])('%s loses nothing', async (_, crash, count) => {
    using temp = temporaryDirectory();
    const state = await rotated(temp.path);
    crash(state);
    const journal = await openJournal(state.before, 700);
    expect((await readAll(journal)).map(({ event }) => event.seq)).toEqual(seqs(count as number));
    await append(journal, [2, 1, 1]);
    await journal.close();
    const again = await openJournal(state.before, 700);
    expect((await readAll(again)).map(({ event }) => event.seq)).toEqual(seqs((count as number) + 4));
    await again.close();
  });

  test('never throws away a new segment that has records but a damaged header', async () => {
    using temp = temporaryDirectory();
    const state = await rotated(temp.path);
    const data = readFileSync(join(state.after, state.name));
    data[30] = (data[30] as number) ^ 1;
    writeFileSync(join(state.before, state.name), data);
    await expect(openJournal(state.before)).rejects.toThrow(JournalDamaged);
    expect(readFileSync(join(state.before, state.name)).equals(data)).toBe(true);
  });

  test('refuses when the segment before the new one has lost its end', async () => {
    using temp = temporaryDirectory();
    const state = await rotated(temp.path);
    writeFileSync(join(state.before, state.name), readFileSync(join(state.after, state.name)));
    const first = join(state.before, '00000000000000000001.jsonl');
    writeFileSync(first, readFileSync(first).subarray(0, -20));
    await expect(openJournal(state.before)).rejects.toThrow(/damaged/);
    rmSync(first);
    await expect(openJournal(state.before)).rejects.toThrow(/missing/);
  });
});

test('a batch never holds more than 2,000 records or about 1 MiB, and one large command stays whole', async () => {
  using temp = temporaryDirectory();
  const journal = await openJournal(join(temp.path, 'journal'));
  const sizes: number[] = [];
  journal.listen({ committed: (batch) => void sizes.push(batch.records.length), aborted() {}, failed() {} });
  const batches = new Set(Array.from({ length: 4_500 }, () => journal.append(command(journal.head))));
  batches.add(journal.append(command(journal.head, 3_000)));
  await Promise.all([...batches].map((batch) => batch.settled));
  expect(sizes).toEqual([2_000, 2_000, 500, 3_000]);
  await journal.close();
});
