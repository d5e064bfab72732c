import { describe, expect, onTestFinished, test } from 'vitest';
import { hasBrowser } from '../support/browser.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { testNode } from '../support/node.ts';
import { pageOf } from '../support/page.ts';

describe.skipIf(!hasBrowser)('a server that goes away under the page', () => {
  test('is said, and when it is back all that happened meanwhile is shown, without a reload', async () => {
    using dir = temporaryDirectory();
    const node = await testNode({ dir: dir.path });
    const { port } = node;
    await node.post('kai', 'Before', { channel: 'general' });
    const page = await pageOf(node, { name: 'ada' });
    onTestFinished(() => page.context().close());
    await page.getByRole('log').getByText('Before').waitFor();
    await page.evaluate('globalThis.same = true');
    await node[Symbol.asyncDispose]();
    await page.getByText('Connection lost').waitFor();

    await using again = await testNode({ dir: dir.path, env: { PORT: String(port) } });
    await again.post('kai', 'After', { channel: 'general' });
    await again.send('POST', '/tasks', { title: 'Made meanwhile', createdBy: 'kai' });
    await page.getByRole('log').getByText('After').waitFor();
    await page.getByRole('region', { name: 'Board' }).getByText('Made meanwhile').waitFor();
    await page.getByText('Connection lost').waitFor({ state: 'detached' });
    expect(await page.getByRole('log').getByText('Before').count()).toBe(1);
    expect(await page.evaluate('globalThis.same')).toBe(true);
  });

  test('and comes back as another one: the page begins anew', async () => {
    let node = await testNode();
    const { port } = node;
    await node.post('kai', 'Of the old journal', { channel: 'general' });
    const page = await pageOf(node, { name: 'ada' });
    onTestFinished(() => page.context().close());
    await page.getByRole('log').getByText('Of the old journal').waitFor();
    await node[Symbol.asyncDispose]();
    node = await testNode({ env: { PORT: String(port) } });
    onTestFinished(() => node[Symbol.asyncDispose]());
    await node.post('kai', 'Of the new one', { channel: 'general' });
    await page.getByRole('log').getByText('Of the new one').waitFor();
    await page.getByRole('log').getByText('Of the old journal').waitFor({ state: 'detached' });
  });
});
