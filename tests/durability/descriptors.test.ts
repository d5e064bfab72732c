import { readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FileJournal } from '../../src/kernel/journal/file-journal.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { hindrance, smallDisk } from '../support/privilege.ts';
import { append, command, fresh, openJournal, readAll } from './support.ts';

/** Descriptors of this process below a directory; Linux shows them. */
function openBelow(dir: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(dir) ? [target] : [];
    } catch {
      return [];
    }
  });
}

test.skipIf(process.platform !== 'linux')(
  'a journal that rotated many times holds one descriptor, and none when closed',
  async () => {
    using temp = temporaryDirectory();
    const dir = join(temp.path, 'journal');
    const journal = await openJournal(dir, 600);
    await append(journal, Array(30).fill(1));
    await readAll(journal);
    expect(journal.status().segments).toBeGreaterThan(5);
    expect(openBelow(dir)).toHaveLength(1);
    await journal.close();
    expect(openBelow(dir)).toEqual([]);
  },
);

const reason = hindrance(() => smallDisk('200k')[Symbol.dispose]());

describe.skipIf(reason !== undefined)('a rotation on a full disk', () => {
  test('gives no half-made segment: the journal goes on when there is room, and opens after a kill at that point', async () => {
    using disk = smallDisk('200k');
    const dir = join(disk.path, 'journal');
    const journal = await FileJournal.open({ dir, fresh, segmentBytes: 3_000, retryMs: 50 });
    for (let i = 0; i < 12; i++) {
      await append(journal, [1, 2]);
      const before = journal.durable;
      const filler = join(disk.path, 'filler');
      try {
        writeFileSync(filler, Buffer.alloc(400_000));
      } catch {}
      const refused: string[] = [];
      // Until the page in use is full and a new one is needed.
      for (let n = 0; n < 80 && refused.length === 0; n++) {
        try {
          await journal.append(command(journal.head, 3)).settled;
        } catch (error) {
          refused.push((error as { code: string }).code);
        }
      }
      expect(refused).toEqual(['disk_full']);
      expect(journal.head).toBe(journal.durable);
      expect(journal.durable).toBeGreaterThanOrEqual(before);
      rmSync(filler);
      while (!journal.status().writable) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const { durable } = journal;
    expect(openBelow(dir)).toHaveLength(1);
    // The files as a kill would leave them: opened by another journal while the first has not closed.
    const again = await openJournal(dir, 3_000);
    expect(again.durable).toBe(durable);
    expect((await readAll(again)).map(({ event }) => event.seq)).toEqual(
      Array.from({ length: durable }, (_, i) => i + 1),
    );
    await again.close();
    await journal.close();
  }, 60_000);
});
