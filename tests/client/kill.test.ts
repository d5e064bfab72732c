import { expect, test } from 'vitest';
import { createClient } from '../../src/client/node.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { serverProcess } from '../support/process.ts';
import { openProxy } from '../support/proxy.ts';

const LIVES = 3;
const MESSAGES = 120;

test('kill -9 under two who write and two who read: each message is there once, in order, for both', async () => {
  using dir = temporaryDirectory();
  await using proxy = await openProxy();
  const env = { ALLOWED_HOSTS: `127.0.0.1:${proxy.port}` };
  const retry = { tries: 200, firstMs: 20, mostMs: 200 };
  const client = (agent: string, door: 'ws' | 'sse' = 'ws') =>
    createClient({ url: proxy.url, agent, retry, doors: [door] });

  const read = async (door: 'ws' | 'sse') => {
    const seen: unknown[] = [];
    for await (const each of client(`reader-${door}`, door).subscribe({
      after: 'earliest',
      filter: { channels: ['den'] },
    })) {
      if (each.kind !== 'event' || each.event.type !== 'message_posted') continue;
      seen.push(each.event.data.content);
      if (each.event.data.content === 'last') return seen;
    }
    throw new Error('the stream ended');
  };
  let sent = 0;
  const write = async (agent: string) => {
    const writer = client(agent);
    for (let i = 0; i < MESSAGES; i++, sent++) await writer.messages.send({ channel: 'den', content: `${agent} ${i}` });
  };

  const readers = [read('ws'), read('sse')];
  const writers = Promise.all([write('ada'), write('kai')]);
  for (let life = 1; life <= LIVES; life++) {
    await using server = await serverProcess({ dir: dir.path, env });
    proxy.target = server.port;
    if (life < LIVES) {
      await expect.poll(() => sent, { timeout: 40_000, interval: 1 }).toBeGreaterThan((life * MESSAGES) / 2);
      await server.end('SIGKILL');
    } else {
      await writers;
      await client('ada').messages.send({ channel: 'den', content: 'last' });
      const [first, second] = await Promise.all(readers);
      expect(second).toEqual(first);
      for (const agent of ['ada', 'kai'])
        expect(first?.filter((content) => String(content).startsWith(agent))).toEqual(
          Array.from({ length: MESSAGES }, (_, i) => `${agent} ${i}`),
        );
      expect(first).toHaveLength(2 * MESSAGES + 1);
    }
  }
}, 150_000);
