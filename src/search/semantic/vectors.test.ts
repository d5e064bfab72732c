import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../../../tests/support/directory.ts';
import { openMeaning } from '../../../tests/support/embeddings.ts';
import { hindrance, smallDisk } from '../../../tests/support/privilege.ts';
import { openDatabase } from '../../store/sqlite.ts';
import { openVectorFile } from './vectors.ts';

const DAY = 24 * 3_600_000;
const vector = (...numbers: number[]) => Float32Array.from(numbers);

test('vectors are kept by model and by text', () => {
  using temp = temporaryDirectory();
  const file = openVectorFile(join(temp.path, 'vectors.sqlite'));
  expect(file.answering()).toBeUndefined();
  expect(file.put('a', [{ hash: 'x', vector: vector(1, 0) }])).toBe(true);
  expect(file.put('b', [{ hash: 'x', vector: vector(0, 1, 0) }])).toBe(true);
  file.answersWith('b');
  file.close();
  const again = openVectorFile(join(temp.path, 'vectors.sqlite'));
  expect([again.get('a', 'x'), again.get('b', 'x'), again.get('a', 'y')]).toEqual([
    vector(1, 0),
    vector(0, 1, 0),
    undefined,
  ]);
  expect(again.answering()).toBe('b');
  again.close();
});

test('a vector goes a week after the last document with its text, or its model, went', () => {
  using temp = temporaryDirectory();
  const file = openVectorFile(join(temp.path, 'vectors.sqlite'));
  const stored = ['x', 'y', 'z'].map((hash) => ({ hash, vector: vector(1) }));
  file.put('a', stored);
  file.put('b', stored);
  const there = () => ['a x', 'a y', 'a z', 'b x'].filter((each) => file.get(...(each.split(' ') as [string, string])));
  const using = (...hashes: string[]) => new Map([['a', new Set(hashes)]]);
  file.sweep(using('x', 'y'), 0);
  file.sweep(using('x'), 5 * DAY);
  expect(there()).toEqual(['a x', 'a y', 'a z', 'b x']);
  // It came back in time.
  file.sweep(using('x', 'z'), 6 * DAY);
  file.sweep(using('x'), 7 * DAY + 1);
  expect(there()).toEqual(['a x', 'a y', 'a z']);
  file.sweep(using('x'), 13 * DAY);
  expect(there()).toEqual(['a x', 'a z']);
  file.sweep(using('x'), 15 * DAY);
  expect(there()).toEqual(['a x']);
  file.close();
});

test('a file that is damaged in its middle is made anew, and holds what memory holds', async () => {
  using temp = temporaryDirectory();
  const path = join(temp.path, 'vectors.sqlite');
  const meaning = openMeaning(temp.path);
  const rows = Array.from({ length: 200 }, (_, row) => ({ kind: 'memory' as const, row, text: `cat ${row}` }));
  meaning.put(...rows);
  await meaning.semantic.sync();
  await expect.poll(() => meaning.semantic.status().indexed, { timeout: 10_000 }).toBe(200);
  await meaning.semantic.close();
  const bytes = readFileSync(path);
  bytes.fill(0xff, 4_096, bytes.length);
  writeFileSync(path, bytes);
  const again = meaning.reopen();
  await again.sync();
  await expect.poll(() => again.status(), { timeout: 10_000 }).toMatchObject({ indexed: 200, pending: 0 });
  await expect.poll(() => again.error, { timeout: 10_000 }).toBeUndefined();
  await again.close();
  const stored = openDatabase(path);
  expect(stored.prepare('SELECT count(*) AS n FROM vector').get()).toEqual({ n: 200 });
  stored.close();
  meaning.index.close();
});

const reason = hindrance(() => smallDisk('1m')[Symbol.dispose]());

describe.skipIf(reason !== undefined)('on a full disk', () => {
  test('vectors stay in memory, which is told, and are stored when there is room', async () => {
    using disk = smallDisk('1m');
    using temp = temporaryDirectory();
    const filler = join(disk.path, 'filler');
    const meaning = openMeaning(temp.path, { file: join(disk.path, 'vectors.sqlite') });
    meaning.put({ kind: 'memory', row: 1, text: 'cat' });
    await meaning.semantic.sync();
    await expect.poll(() => meaning.semantic.status().indexed).toBe(1);
    for (let size = 1_048_576; size >= 512; size /= 2)
      try {
        writeFileSync(filler, Buffer.alloc(size), { flag: 'a' });
      } catch {}
    meaning.put(...Array.from({ length: 100 }, (_, i) => ({ kind: 'memory' as const, row: i + 2, text: `ship ${i}` })));
    await meaning.semantic.sync();
    await expect.poll(() => meaning.semantic.status().indexed, { timeout: 10_000 }).toBe(101);
    expect(meaning.semantic.error).toMatch(/the vectors' file fails: .*(?:full|disk I\/O)/);
    expect(await meaning.semantic.find(meaning.request('release'))).toMatchObject({ mode: 'hybrid', pending: 0 });
    writeFileSync(filler, '');
    await expect.poll(() => meaning.semantic.error, { timeout: 10_000 }).toBeUndefined();
    await meaning.semantic.close();
    const stored = openDatabase(join(disk.path, 'vectors.sqlite'));
    expect(stored.prepare('SELECT count(*) AS n FROM vector').get()).toEqual({ n: 101 });
    stored.close();
    meaning.index.close();
  }, 30_000);
});
