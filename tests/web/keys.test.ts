import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasBrowser } from '../support/browser.ts';
import { type TestNode, testNode } from '../support/node.ts';
import { pageOf } from '../support/page.ts';

const focused = (page: Page) =>
  page.evaluate(
    "[document.activeElement.closest('[data-region]')?.dataset.region, document.activeElement.closest('[data-item]')?.dataset.item].join(' ')",
  ) as Promise<string>;

const dialog = (name: string) => (page: Page) => page.getByRole('dialog', { name }).waitFor();
const inLane = (status: string) => (page: Page) =>
  page
    .getByRole('region', { name: new RegExp(`^${status},`) })
    .getByText('First')
    .waitFor();
const region = (name: string) => (page: Page) =>
  expect.poll(() => focused(page), { timeout: 30_000 }).toMatch(new RegExp(`^${name} `));

/** What each key of the shell does, as it is seen; keys of panes are theirs to prove. */
const SEEN: Record<string, { before?: (page: Page) => unknown; after: (page: Page) => unknown }> = {
  c: { after: dialog('New task') },
  '/': { after: dialog('Search') },
  'Control+k': { after: dialog('Do anything') },
  '?': { after: dialog('Keys') },
  m: {
    after: (page) =>
      expect.poll(() => page.evaluate('document.activeElement.tagName'), { timeout: 30_000 }).toBe('TEXTAREA'),
  },
  p: { after: (page) => page.getByText(/^paused at \d/).waitFor() },
  j: { after: region('board') },
  k: { after: region('board') },
  '1': { before: (page) => toCard(page, 'doing'), after: inLane('todo') },
  '2': { before: toCard, after: inLane('doing') },
  '3': { before: toCard, after: inLane('blocked') },
  '4': { before: toCard, after: inLane('validating') },
  '5': { before: toCard, after: inLane('done') },
  Enter: {
    before: (page) => page.locator('.message').first().focus(),
    after: (page) => page.getByRole('heading', { name: 'Thread' }).waitFor(),
  },
  Escape: {
    async before(page) {
      await page.locator('.message').first().focus();
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Thread' }).waitFor();
    },
    after: (page) => page.getByRole('heading', { name: 'Thread' }).waitFor({ state: 'detached' }),
  },
  'g b': { after: region('board') },
  'g c': { after: region('chat') },
  'g e': { after: region('events') },
  'g r': { after: region('rail') },
};

async function toCard(page: Page, status?: string): Promise<void> {
  await page.locator('.card a').first().focus();
  if (status === undefined) return;
  await page.keyboard.press('2');
  await inLane(status)(page);
  await page.locator('.card a').first().focus();
}

let node: TestNode;
let page: Awaited<ReturnType<typeof pageOf>>;
let opened = 0;

beforeAll(async () => {
  if (!hasBrowser) return;
  node = await testNode();
  await node.send('POST', '/tasks', { title: 'First', createdBy: 'kai' });
  await node.post('kai', 'Hello', { channel: 'general' });
  page = await pageOf(node, { name: 'ada' });
}, 90_000);

afterAll(() => node?.[Symbol.asyncDispose]());

/** The page as it is when it is opened. */
async function open(): Promise<typeof page> {
  // Another address, because a change after `#` is no other page.
  await page.goto(`${node.url}/?${++opened}`);
  await page.locator('.card').first().waitFor();
  await page.locator('.message').first().waitFor();
  return page;
}

describe.skipIf(!hasBrowser)('the keys', () => {
  test('of the registry are those of the help, and each but those of panes is proved here', async () => {
    const page = await open();
    await page.keyboard.press('?');
    const shown = (await page.evaluate(
      "[...document.querySelectorAll('dialog .help dt')].map((each) => [...each.querySelectorAll('kbd')].map((key) => key.textContent).join(' '))",
    )) as string[];
    const { outputFiles } = await build({
      entryPoints: ['src/web/panes/index.ts'],
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      packages: 'external',
      outdir: '/tmp',
      splitting: true,
      jsx: 'automatic',
      jsxImportSource: 'preact',
    });
    const ofPanes = [
      ...outputFiles
        .map(({ text }) => text)
        .join('')
        .matchAll(/title: "[^"]*",\s*keys: "(g \w)"/g),
    ].map(([, keys]) => keys);
    const own = Object.keys(SEEN).map((keys) => ({ Escape: 'Esc', 'Control+k': 'Ctrl K' })[keys] ?? keys);
    expect(shown.filter((keys) => !ofPanes.includes(keys)).sort()).toEqual(own.sort());
  });

  test.each(Object.keys(SEEN))('%s', async (keys) => {
    const page = await open();
    const { before, after } = SEEN[keys] as (typeof SEEN)[string];
    await before?.(page);
    for (const key of keys.split(' ')) await page.keyboard.press(key);
    await after(page);
    expect(page.complaints).toEqual([]);
  });

  test('are letters where text is typed', async () => {
    const page = await open();
    await page.getByLabel('Message #general').focus();
    await page.keyboard.type('c m ? p 1');
    expect(await page.getByLabel('Message #general').inputValue()).toBe('c m ? p 1');
    expect(await page.getByRole('dialog').count()).toBe(0);
  });
});
