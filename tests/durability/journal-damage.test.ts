import { existsSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { JournalDamaged, JournalRefused, JournalTooNew } from '../../src/kernel/journal/damage.ts';
import { recover } from '../../src/kernel/journal/recovery.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { append, command, copyJournal, fresh, openJournal, readAll } from './support.ts';

const SIZES = [1, 2, 1, 3, 1, 2];
const TOTAL = SIZES.reduce((sum, n) => sum + n, 0);

/** A journal as kill -9 leaves it: everything written, nothing closed in order. */
async function killed(dir: string, sizes: readonly number[] = SIZES, segmentBytes?: number): Promise<void> {
  const journal = await openJournal(dir, segmentBytes);
  await append(journal, sizes);
  await journal.close();
  const file = join(dir, 'manifest.json');
  const { clean: _, ...manifest } = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify(manifest));
}

const segments = (dir: string) =>
  readdirSync(dir)
    .filter((name) => name.endsWith('.jsonl'))
    .sort();
const last = (dir: string) => join(dir, segments(dir).at(-1) as string);

/** Lines that recovery keeps, or its refusal. */
function outcome(dir: string): { lines: string[]; mended: string | undefined } | JournalRefused {
  try {
    const { mended, manifest } = recover(dir, fresh);
    const firsts = [...manifest.sealed.map((s) => s.first), manifest.active];
    const lines = firsts.flatMap((first) =>
      readFileSync(join(dir, `${String(first).padStart(20, '0')}.jsonl`), 'utf8')
        .split('\n')
        .slice(1, -1),
    );
    return { lines, mended };
  } catch (error) {
    if (error instanceof JournalRefused) return error;
    throw error;
  }
}

describe('a journal cut at any byte', () => {
  test('keeps exactly the whole commands before the cut, or refuses; and says what it cut', async () => {
    using temp = temporaryDirectory();
    const whole = join(temp.path, 'whole', 'journal');
    await killed(whole);
    const data = readFileSync(last(whole));
    const lines = data.toString('utf8').split('\n').slice(1, -1);
    const headerEnd = data.indexOf(0x0a) + 1;
    // Bytes after which a whole command ends, and how many records there are then.
    const ends = new Map<number, number>([[headerEnd, 0]]);
    let at = headerEnd;
    let count = 0;
    for (const n of SIZES) {
      for (let i = 0; i < n; i++) at += Buffer.byteLength(lines[count++] as string) + 1;
      ends.set(at, count);
    }
    expect(at).toBe(data.length);
    const dir = join(temp.path, 'cut', 'journal');
    for (let cut = 0; cut <= data.length; cut++) {
      rmSync(join(temp.path, 'cut'), { recursive: true, force: true });
      copyJournal(whole, dir);
      truncateSync(last(dir), cut);
      const result = outcome(dir);
      if (cut < headerEnd) {
        expect(result, `cut at ${cut}`).toBeInstanceOf(JournalDamaged);
        continue;
      }
      if (result instanceof Error) throw new Error(`cut at ${cut}: ${result.message}`);
      const end = Math.max(...[...ends.keys()].filter((byte) => byte <= cut));
      expect(result.lines, `cut at ${cut}`).toEqual(lines.slice(0, ends.get(end)));
      expect(result.mended !== undefined, `cut at ${cut} is told`).toBe(end < cut);
    }
  }, 120_000);

  test('after an orderly close refuses every cut, because what was there is known', async () => {
    using temp = temporaryDirectory();
    const whole = join(temp.path, 'whole', 'journal');
    const journal = await openJournal(whole);
    await append(journal, [1, 2, 1]);
    await journal.close();
    const { length } = readFileSync(last(whole));
    for (let cut = 0; cut < length; cut += 7) {
      const dir = copyJournal(whole, join(temp.path, `cut-${cut}`, 'journal'));
      truncateSync(last(dir), cut);
      expect(outcome(dir), `cut at ${cut}`).toBeInstanceOf(JournalDamaged);
    }
  });
});

test('a single flipped bit is refused or cut off and told; never is other data read', async () => {
  using temp = temporaryDirectory();
  const whole = join(temp.path, 'whole', 'journal');
  await killed(whole, Array(24).fill(1), 900);
  expect(segments(whole).length).toBeGreaterThan(3);
  const original = outcome(copyJournal(whole, join(temp.path, 'same', 'journal'))) as { lines: string[] };
  const counts = { refused: 0, cut: 0, harmless: 0 };
  let round = 0;
  for (const name of [...segments(whole), 'manifest.json']) {
    const data = readFileSync(join(whole, name));
    for (let bit = round++ % 11; bit < data.length * 8; bit += 79) {
      rmSync(join(temp.path, 'flip'), { recursive: true, force: true });
      const dir = copyJournal(whole, join(temp.path, 'flip', 'journal'));
      const flipped = Buffer.from(data);
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      writeFileSync(join(dir, name), flipped);
      const result = outcome(dir);
      const where = `${name} bit ${bit}`;
      if (result instanceof Error) counts.refused++;
      else if (result.mended !== undefined) {
        counts.cut++;
        expect(name, where).toBe(segments(whole).at(-1));
        expect(result.lines, where).toEqual(original.lines.slice(0, -1));
        expect(readdirSync(join(temp.path, 'flip', 'quarantine')), where).toHaveLength(1);
      } else {
        counts.harmless++;
        expect(name, `${where} is not noticed`).toBe('manifest.json');
        expect(result.lines, where).toEqual(original.lines);
      }
    }
  }
  expect(counts.refused).toBeGreaterThan(200);
  expect(counts.cut).toBeGreaterThan(3);
}, 120_000);

test('a flipped bit in a sealed file whose time did not change is found when it is read', async () => {
  using temp = temporaryDirectory();
  const dir = join(temp.path, 'journal');
  const journal = await openJournal(dir, 1_200);
  await append(journal, Array(24).fill(1));
  const file = join(dir, segments(dir)[1] as string);
  const data = readFileSync(file);
  data[data.length - 60] = (data[data.length - 60] as number) ^ 4;
  writeFileSync(file, data);
  await expect(readAll(journal)).rejects.toThrow(/damaged/);
  await journal.close();
});

describe('a torn tail is cut off, told, and kept in quarantine', () => {
  const tails: [string, (data: Buffer) => Buffer][] = [
    ['without a line feed', (data) => data.subarray(0, data.length - 1)],
    [
      'with a bad checksum on the last line',
      (data) => Buffer.concat([data.subarray(0, data.length - 12), Buffer.from('00000000000\n')]),
    ],
    ['with zeros after it', (data) => Buffer.concat([data, Buffer.alloc(512)])],
    [
      'that is the first part of a command of three events',
      (data) => Buffer.concat([data, Buffer.from(command(5, 3)[0]!.line + command(5, 3)[1]!.line)]),
    ],
  ];
  test.each(tails)('%s', async (_, tear) => {
    using temp = temporaryDirectory();
    const dir = join(temp.path, 'journal');
    await killed(dir, [1, 1, 1, 1, 1]);
    const torn = tear(readFileSync(last(dir)));
    writeFileSync(last(dir), torn);
    const journal = await openJournal(dir);
    expect(journal.status().recovered).toMatch(/cut \d+ bytes of an unfinished write/);
    const kept = readFileSync(last(dir));
    expect(torn.subarray(0, kept.length).equals(kept)).toBe(true);
    const [copy = ''] = readdirSync(join(temp.path, 'quarantine'));
    expect(readFileSync(join(temp.path, 'quarantine', copy)).equals(torn.subarray(kept.length))).toBe(true);
    await append(journal, [1, 2]);
    expect((await readAll(journal)).map(({ event }) => event.seq)).toEqual(
      Array.from({ length: journal.head }, (_, i) => i + 1),
    );
    await journal.close();
    const again = await openJournal(dir);
    expect(again.status().recovered).toBeUndefined();
    await again.close();
  });
});

describe('what no crash explains is refused with the file, the place and the repair command', () => {
  const edit = (change: (lines: string[]) => string[]) => (dir: string) => {
    const file = last(dir);
    writeFileSync(file, `${change(readFileSync(file, 'utf8').split('\n').slice(0, -1)).join('\n')}\n`);
  };
  const manifest = (change: (m: Record<string, unknown>) => void) => (dir: string) => {
    const file = join(dir, 'manifest.json');
    const json = JSON.parse(readFileSync(file, 'utf8'));
    change(json);
    writeFileSync(file, JSON.stringify(json));
  };
  const cases: [string, (dir: string) => void, RegExp][] = [
    [
      'a bad line with good ones after it',
      edit((l) => l.with(2, (l[2] as string).replace('noted', 'noped'))),
      /line 3, byte \d+/,
    ],
    ['a gap', edit((l) => l.toSpliced(2, 1)), /line 3, byte \d+: seq \d+ where \d+ belongs/],
    ['a gap before the last line', edit((l) => l.toSpliced(-2, 1)), /line \d+, byte \d+: seq \d+ where/],
    ['a line twice', edit((l) => [...l, l.at(-1) as string]), /line \d+, byte \d+: seq \d+ where/],
    ['a missing first segment', (dir) => rmSync(join(dir, segments(dir)[0] as string)), /the segment is missing/],
    ['a missing last segment', (dir) => rmSync(last(dir)), /the segment is missing/],
    ['a missing manifest', (dir) => rmSync(join(dir, 'manifest.json')), /manifest\.json: it is missing/],
    ['a manifest that is not JSON', (dir) => truncateSync(join(dir, 'manifest.json'), 40), /it is not JSON/],
    [
      'a manifest ahead of the journal',
      manifest((m) => (m.clean = { last: TOTAL + 99, bytes: 1 })),
      /closed in order at/,
    ],
    [
      'an older manifest',
      manifest((m) => {
        m.active = 1;
        m.sealed = [];
      }),
      /does not know it/,
    ],
    [
      'a last segment whose header is damaged',
      edit((l) => l.with(0, (l[0] as string).replace('schema', 'schemo'))),
      /line 1, byte 0/,
    ],
    [
      'a segment under another name',
      (dir) => renameSync(last(dir), join(dir, '00000000000000009999.jsonl')),
      /is missing/,
    ],
  ];
  test.each(cases)('%s', async (_, harm, message) => {
    using temp = temporaryDirectory();
    const dir = join(temp.path, 'journal');
    await killed(dir, Array(28).fill(1), 1_200);
    harm(dir);
    const before = readdirSync(dir).map((name) => [name, readFileSync(join(dir, name), 'utf8')]);
    const result = outcome(dir);
    expect(result).toBeInstanceOf(JournalDamaged);
    expect((result as Error).message).toMatch(message);
    expect((result as Error).message).toContain(dir);
    expect((result as Error).message).toContain('npm run journal -- repair --quarantine');
    expect(readdirSync(dir).map((name) => [name, readFileSync(join(dir, name), 'utf8')])).toEqual(before);
  });

  test('a newer schema is no damage: it asks for a newer version and never for a repair', async () => {
    using temp = temporaryDirectory();
    const dir = join(temp.path, 'journal');
    await killed(dir, [1]);
    manifest((m) => (m.schema = 2))(dir);
    const result = outcome(dir);
    expect(result).toBeInstanceOf(JournalTooNew);
    expect((result as Error).message).not.toContain('repair');
  });
});

test('a first start that died before its manifest begins anew', () => {
  using temp = temporaryDirectory();
  const dir = join(temp.path, 'journal');
  recover(dir, fresh);
  rmSync(join(dir, 'manifest.json'));
  expect(outcome(dir)).toEqual({ lines: [], mended: undefined });
  expect(existsSync(join(dir, 'manifest.json'))).toBe(true);
});
