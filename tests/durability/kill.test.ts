import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { serverProcess } from '../support/process.ts';
import { audit, auditRetries } from './audit.ts';
import { type Acknowledged, startWriters } from './writers.ts';

const LOOPS = 6;

test('a server killed under concurrent writers has every acknowledged write exactly once, in order, and knows its keys', async () => {
  using temp = temporaryDirectory();
  const acknowledged: Acknowledged[] = [];
  for (let loop = 0; loop < LOOPS; loop++) {
    await using server = await serverProcess({ dir: temp.path, env: { SEGMENT_MIB: '1' } });
    const { written, done } = startWriters(server.url, `l${loop}`);
    // The kill falls at another moment of the write path each time.
    while (written.acknowledged.length < 150 + loop * 37) await new Promise((resolve) => setTimeout(resolve, 1));
    await server.end('SIGKILL');
    await done;
    acknowledged.push(...written.acknowledged);

    await using again = await serverProcess({ dir: temp.path, env: { SEGMENT_MIB: '1' } });
    expect(await auditRetries(again.url, written)).toEqual([]);
    expect(await audit(again.url, acknowledged)).toEqual([]);
    await again.end('SIGKILL');
  }
  expect(acknowledged.length).toBeGreaterThan(LOOPS * 150);
}, 120_000);
