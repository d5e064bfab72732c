import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, vi } from 'vitest';
import { openBrowser } from './browser.ts';
import type { TestNode } from './node.ts';

// Several waits, of which each may be long.
vi.setConfig({ testTimeout: 90_000 });

let browser: Promise<Browser> | undefined;

afterAll(async () => {
  const opened = await browser;
  browser = undefined;
  await opened?.close();
});

/** Milliseconds that one waits for something on a page, on a machine that does much else. */
export const PATIENCE = 30_000;

/** A page of a node in a context of its own, under a name unless it is to be asked for. What it complains of is an error. */
export async function pageOf(
  node: Pick<TestNode, 'url'>,
  { name, path = '/', ...options }: { name?: string; path?: string } & BrowserContextOptions,
): Promise<Page & { complaints: string[] }> {
  browser ??= openBrowser();
  const context = await (await browser).newContext(options);
  context.setDefaultTimeout(PATIENCE);
  if (name !== undefined)
    await context.addInitScript(
      `localStorage.getItem('reflectt.me') ?? localStorage.setItem('reflectt.me', '${name}')`,
    );
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(node.url + path);
  await page.locator('.page[data-ready=true]').waitFor({ timeout: PATIENCE });
  return Object.assign(page, { complaints });
}
