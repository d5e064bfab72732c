import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { encode } from '../../src/kernel/event.ts';
import { FileJournal } from '../../src/kernel/journal/file-journal.ts';
import { hasBrowser } from '../support/browser.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { testNode } from '../support/node.ts';
import { pageOf } from '../support/page.ts';

const MESSAGES = 100_000;

/** A journal of many messages in one channel, older than a day, written as the server writes one. */
async function writeHistory(dir: string): Promise<void> {
  const journal = await FileJournal.open({
    dir: join(dir, 'journal'),
    durability: { mode: 'interval', ms: 1_000 },
    fresh: () => ({ journal: randomUUID(), epoch: 'test0000' }),
  });
  const began = Date.now() - 86_400_000 - MESSAGES;
  for (let seq = 1; seq <= MESSAGES; ) {
    const records = [];
    for (let n = 0; n < 5_000; n++, seq++) {
      const id = `msg-${began}-${String(seq).padStart(9, '0')}`;
      const at = began + seq;
      const from = `agent-${seq % 20}`;
      const data = {
        id,
        from,
        content: `Message ${seq} of **many**`,
        timestamp: at,
        channel: 'general',
        reactions: {},
        seq,
      };
      records.push(encode({ seq, at, type: 'message_posted', actor: from, subject: id, data }));
    }
    await journal.append(records).settled;
  }
  await journal.close();
}

describe.skipIf(!hasBrowser)('a page on a history of 100,000 messages', () => {
  test('loads a window of it, and older ones above what is read, which stays where it is', {
    timeout: 180_000,
  }, async () => {
    using dir = temporaryDirectory();
    await writeHistory(dir.path);
    await using node = await testNode({ dir: dir.path });
    const page = await pageOf(node, { name: 'ada' });
    const log = page.getByRole('log');
    onTestFinished(() => page.context().close());
    // The index of a history that was written by hand is made meanwhile.
    await log.getByText(`Message ${MESSAGES} of`).waitFor();

    const asked: string[] = [];
    let bytes = 0;
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    page.on('response', (response) => {
      response.body().then(
        (body) => {
          bytes += body.length;
        },
        () => {},
      );
    });
    page.on('websocket', (socket) => {
      socket.on('framereceived', ({ payload }) => {
        bytes += payload.length;
      });
    });
    await page.reload();
    await log.getByText(`Message ${MESSAGES} of`).waitFor();
    await page.locator('.inspector .row').first().waitFor();
    expect(asked.filter((path) => path.startsWith('/call/')).sort()).toEqual([
      '/call/events.list',
      '/call/messages.list',
    ]);
    expect(asked.length).toBeLessThanOrEqual(8);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(1_000_000);
    expect(await page.locator('.message').count()).toBe(50);

    const place = (n: number) =>
      page.evaluate(
        `[...document.querySelectorAll('.message')].find((each) => each.textContent.includes('Message ${n} of'))?.getBoundingClientRect().top`,
      ) as Promise<number>;
    const first = MESSAGES - 49;
    const older = page.waitForResponse((response) => response.url().endsWith('/call/messages.list'));
    await page.evaluate("document.querySelector('.messages').scrollTop = 300");
    const before = await place(first + 8);
    await older;
    await log.getByText(`Message ${first - 50} of`).waitFor({ state: 'attached' });
    expect(await place(first + 8)).toBeCloseTo(before, -0.5);
    expect(await page.locator('.message').count()).toBe(100);

    // Who reads above is not moved by what comes below, and is told of it.
    await node.post('kai', 'What comes last', { channel: 'general' });
    await page.getByRole('button', { name: '1 new' }).waitFor();
    expect(await place(first + 8)).toBeCloseTo(before, -0.5);
    await page.getByRole('button', { name: '1 new' }).click();
    await log.getByText('What comes last').waitFor();
    await expect.poll(() => page.getByRole('button', { name: '1 new' }).count(), { timeout: 30_000 }).toBe(0);
  });
});
