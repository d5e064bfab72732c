import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Json } from '../support/node.ts';
import { hindrance, smallDisk } from '../support/privilege.ts';
import { type ServerProcess, serverProcess } from '../support/process.ts';
import { allEvents, audit } from './audit.ts';
import { type Acknowledged, post } from './writers.ts';

const reason = hindrance(() => smallDisk('200k')[Symbol.dispose]());

/** Takes every free byte. */
function fill(dir: string): void {
  const { bavail, bsize } = statfsSync(dir);
  try {
    writeFileSync(join(dir, 'filler'), Buffer.alloc(bavail * bsize));
  } catch {
    // Another writer took some of it meanwhile, and the disk is just as full.
  }
}

async function until<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  const end = Date.now() + 15_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`${what} did not come`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Writes from several sides until one is refused; what was acknowledged and what was refused. */
async function writeUntilRefused(server: ServerProcess, round: string) {
  const acknowledged: Acknowledged[] = [];
  const refused: { content: string; status: number; body: Json }[] = [];
  await Promise.all(
    [0, 1, 2, 3].map(async (writer) => {
      for (let i = 0; refused.length === 0; i++) {
        const content = `${round} rest ${writer} ${i} ${'x'.repeat(1_500)}`;
        // A retry may overtake its first request: both have one fate.
        const key = `${round}-${writer}-${i}`;
        const [{ status, body, seq }, twin] = await Promise.all([
          post(server.url, writer, content, key),
          post(server.url, writer, content, key),
        ]);
        expect([200, 507]).toContain(twin.status);
        if (status === 200 && twin.status === 200) expect(twin.body.message.id).toBe(body.message.id);
        if (status === 200)
          acknowledged.push({ content, id: body.message.id, seq, channel: body.message.channel, key: undefined });
        else refused.push({ content, status, body });
      }
    }),
  );
  return { acknowledged, refused };
}

describe.skipIf(reason !== undefined)('on a full disk', () => {
  test('writes answer 507 and leave nothing behind, reads go on, writing resumes by itself, a restart is clean', async () => {
    using disk = smallDisk('8m');
    const dir = disk.path;
    const all: Acknowledged[] = [];
    {
      await using server = await serverProcess({ dir });
      all.push(...(await writeUntilRefusedAfterFill(server, dir)));
      const full = (await (await fetch(`${server.url}/health`)).json()) as Json;
      expect(full.status).toBe('degraded');
      expect(full.journal.writable).toBe(false);
      expect(full.journal.head).toBe(full.journal.durable);
      await until(
        async () => ((await fetch(`${server.url}/chat/messages?limit=1`)).status === 200 ? true : undefined),
        'a read',
      );

      rmSync(join(dir, 'filler'));
      const resumed = await until(async () => {
        const answer = await post(server.url, 0, 'after rest 0 0');
        return answer.status === 200 ? answer : undefined;
      }, 'space');
      all.push({
        content: 'after rest 0 0',
        id: resumed.body.message.id,
        seq: resumed.seq,
        channel: 'room-0',
        key: undefined,
      });
      expect(await audit(server.url, all)).toEqual([]);
      expect(await server.end('SIGTERM')).toBe(0);
    }
    await using again = await serverProcess({ dir });
    expect(again.output()).not.toContain('mended');
    expect(await audit(again.url, all)).toEqual([]);
  }, 60_000);

  async function writeUntilRefusedAfterFill(server: ServerProcess, dir: string): Promise<Acknowledged[]> {
    const before = await post(server.url, 0, 'before rest 0 0');
    fill(dir);
    const { acknowledged, refused } = await writeUntilRefused(server, 'full');
    for (const { status, body } of refused) {
      expect(status).toBe(507);
      expect(body.code).toBe('disk_full');
    }
    expect(refused.length).toBeGreaterThan(0);
    const contents = new Set((await allEvents(server.url)).map((event) => event.data.content));
    for (const { content } of refused) expect(contents.has(content)).toBe(false);
    const listed = await until(async () => {
      const response = await fetch(`${server.url}/chat/messages?limit=1000`);
      return response.status === 200 ? ((await response.json()) as Json) : undefined;
    }, 'the list');
    const shown = new Set(listed.messages.map((message: Json) => message.content));
    for (const { content } of refused) expect(shown.has(content)).toBe(false);
    return [
      { content: 'before rest 0 0', id: before.body.message.id, seq: before.seq, channel: 'room-0', key: undefined },
      ...acknowledged,
    ];
  }

  test('a kill, and a start on the disk that is still full, lose nothing', async () => {
    using disk = smallDisk('8m');
    const dir = disk.path;
    let all: Acknowledged[];
    {
      await using server = await serverProcess({ dir });
      all = await writeUntilRefusedAfterFill(server, dir);
      await server.end('SIGKILL');
    }
    fill(dir);
    // It starts and reads, or says in words that it needs room; it never starts with less than there was.
    try {
      await using server = await serverProcess({ dir });
      expect(await audit(server.url, all)).toEqual([]);
    } catch (error) {
      expect(String(error)).toMatch(/disk[\s\S]*is full/);
    }
    rmSync(join(dir, 'filler'), { force: true });
    await using again = await serverProcess({ dir });
    expect(await audit(again.url, all)).toEqual([]);
    expect((await post(again.url, 0, 'after rest 0 0')).status).toBe(200);
  }, 60_000);
});
