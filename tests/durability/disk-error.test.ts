import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { hindrance, run } from '../support/privilege.ts';
import { serverProcess } from '../support/process.ts';
import { audit } from './audit.ts';
import { type Acknowledged, post } from './writers.ts';

const reason = hindrance(() => run('strace', '-f', '-o', '/dev/null', '-e', 'inject=fdatasync:error=EIO', 'true'));

/** Writes until the server is gone; what was acknowledged, and the answers that were no acknowledgement. */
async function writeUntilGone(url: string) {
  const acknowledged: Acknowledged[] = [];
  const others: { status: number; code: string }[] = [];
  await Promise.all(
    [0, 1, 2, 3].map(async (writer) => {
      for (let i = 0; ; i++) {
        const content = `eio rest ${writer} ${i} ${'x'.repeat(20_000)}`;
        const answer = await post(url, writer, content).catch(() => undefined);
        if (answer === undefined) return;
        const { status, body, seq } = answer;
        if (status !== 200) others.push({ status, code: body.code });
        else acknowledged.push({ content, id: body.message.id, seq, channel: body.message.channel, key: undefined });
      }
    }),
  );
  return { acknowledged, others };
}

describe.skipIf(reason !== undefined)('a disk that fails', () => {
  // The journal is written by pwrite64 on a descriptor opened O_DSYNC; fsync comes when a segment is left.
  test.each([
    ['on a write', 'pwrite64', { SEGMENT_MIB: '64' }, 40],
    ['on the sync that ends a segment', 'fsync', { SEGMENT_MIB: '1' }, 1],
  ])(
    '%s: what is in flight gets 503, the process ends with an error and syncs no more, a restart recovers',
    async (_, call, env, when) => {
      using temp = temporaryDirectory();
      // The first start makes the files, so that the calls that are counted below are the journal's own.
      await using first = await serverProcess({ dir: temp.path, env });
      const before = await post(first.url, 0, 'before rest 0 0');
      expect(await first.end('SIGTERM')).toBe(0);

      const trace = join(temp.path, 'trace');
      const active = join(temp.path, 'journal', '00000000000000000001.jsonl');
      await using server = await serverProcess({
        dir: temp.path,
        env: { ...env, UV_THREADPOOL_SIZE: '1' },
        wrapper: [
          'strace',
          '-f',
          '-y',
          '-o',
          trace,
          '-P',
          active,
          '-e',
          `trace=pwrite64,fsync,fdatasync`,
          '-e',
          `inject=${call}:error=EIO:when=${when}+`,
        ],
        timeout: 60_000,
      });
      const { acknowledged, others } = await writeUntilGone(server.url);
      await expect.poll(() => server.child.exitCode ?? server.child.signalCode, { timeout: 20_000 }).not.toBeNull();
      expect(others.length).toBeGreaterThan(0);
      for (const other of others) expect(other).toEqual({ status: 503, code: 'outcome_unknown' });
      expect(server.output()).toContain('the disk failed');
      expect([server.child.exitCode, server.child.signalCode]).toEqual([1, null]);
      const calls = readFileSync(trace, 'utf8').split('\n');
      const failed = calls.findIndex((line) => line.includes('(INJECTED)'));
      expect(failed).toBeGreaterThan(-1);
      expect(calls.slice(failed + 1).filter((line) => /(?:fsync|fdatasync|pwrite64)\(/.test(line))).toEqual([]);

      await using again = await serverProcess({ dir: temp.path, env });
      expect(
        await audit(again.url, [
          {
            content: 'before rest 0 0',
            id: before.body.message.id,
            seq: before.seq,
            channel: 'room-0',
            key: undefined,
          },
          ...acknowledged,
        ]),
      ).toEqual([]);
    },
    120_000,
  );
});
