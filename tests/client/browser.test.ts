import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { createClient } from '../../src/client/index.ts';
import { bundle, hasBrowser, openBrowser } from '../support/browser.ts';
import { testNode } from '../support/node.ts';

let script: string;
beforeAll(async () => {
  script = await bundle('src/client/index.ts', 'client');
});

test('the bundle for browsers is small, and holds no server', () => {
  expect(gzipSync(script).length).toBeLessThan(12 * 1024);
  expect(script).not.toMatch(/Zod|node:|require\(/);
});

interface Loaded {
  client: { createClient: typeof createClient };
}

/** Runs in a page of the server's origin. */
async function program(door: 'ws' | 'sse') {
  const kai = (globalThis as unknown as Loaded).client.createClient({ agent: 'kai', doors: [door] });
  const stream = kai.subscribe({ snapshot: true });
  const first = await stream.next();
  const { message } = await kai.messages.send({ content: 'from a page' });
  const refusal = await kai.messages.get({ id: 'none' }).catch((error: { code: string }) => error.code);
  let content: unknown;
  for await (const each of stream) {
    if (each.kind !== 'event' || each.event.subject !== message.id) continue;
    content = each.event.data.content;
    break;
  }
  const replica = kai.replica();
  await replica.ready;
  const { seq } = await kai.call('tasks.create', { title: 'from a page' });
  await replica.reached(seq);
  const titles = [...replica.collections.tasks.values()].map(({ title }) => title);
  await replica.close();
  return { first: first.value?.kind, refusal, content, titles, url: kai.url };
}

let browser: Browser | undefined;
beforeAll(async () => {
  if (hasBrowser) browser = await openBrowser();
}, 60_000);
afterAll(async () => browser?.close());

test.skipIf(!hasBrowser).each(['ws', 'sse'] as const)(
  'in a browser a page calls, subscribes and holds a replica by %s',
  async (door) => {
    await using server = await testNode();
    const page = await (browser as Browser).newPage();
    // A page of the server's own, whose policy lets in what comes from the server alone.
    await page.goto(`${server.url}/docs`);
    await page.route('**/client.js', (route) => route.fulfill({ contentType: 'text/javascript', body: script }));
    await page.addScriptTag({ url: '/client.js' });
    expect(await page.evaluate(program, door)).toEqual({
      first: 'snapshot',
      refusal: 'message_not_found',
      content: 'from a page',
      titles: ['from a page'],
      url: server.url,
    });
    await page.close();
  },
);
