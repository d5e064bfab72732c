import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { bundlePage } from '../../build/page.ts';
import { hasBrowser } from '../support/browser.ts';
import { quietNode, testNode } from '../support/node.ts';
import { pageOf } from '../support/page.ts';

describe('the files of the page', () => {
  test('weigh at most 60 kB, compressed, in what is loaded to begin with, and the panes 16 kB more', async () => {
    const { files } = await bundlePage();
    const loaded = new Set(['index.html']);
    // What a file names is loaded with it, but for what it imports when it is wanted.
    for (const path of loaded) {
      const text = new TextDecoder().decode(files.get(path)).replaceAll(/import\("[^"]*"\)/g, '');
      for (const [other] of files)
        if (text.includes(other.replace('assets/', './')) || text.includes(`/${other}`)) loaded.add(other);
    }
    expect([...loaded].length).toBeGreaterThan(3);
    expect([...files.keys()].filter((path) => !loaded.has(path))).toEqual([expect.stringMatching(/^assets\/all-/)]);
    const bytesOf = (paths: Iterable<string>) =>
      [...paths].reduce((sum, path) => sum + gzipSync(files.get(path) as Uint8Array, { level: 9 }).length, 0);
    expect(bytesOf(loaded)).toBeLessThanOrEqual(60_000);
    expect(bytesOf(files.keys())).toBeLessThanOrEqual(76_000);
  });

  test('come under a policy that runs nothing else; what cannot change is kept, the page itself is not', async () => {
    await using node = await testNode();
    const page = await fetch(`${node.url}/`);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'self';/);
    expect(page.headers.get('cache-control')).toBe('no-cache');
    const html = await page.text();
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|style=|https?:/);
    const again = await fetch(`${node.url}/`, { headers: { 'if-none-match': page.headers.get('etag') as string } });
    expect(again.status).toBe(304);
    const [script] = /\/assets\/main-\w+\.js/.exec(html) as RegExpExecArray;
    const asset = await fetch(node.url + script);
    expect(asset.headers.get('cache-control')).toContain('immutable');
    expect(asset.headers.get('content-encoding')).toBe('gzip');
    const plain = await fetch(node.url + script, { headers: { 'accept-encoding': 'identity' } });
    expect(plain.headers.get('content-encoding')).toBeNull();
    expect(await plain.text()).toBe(await asset.text());
  });

  test('are no others than its own', async () => {
    await using node = await testNode();
    for (const path of ['/assets/none.js', '/assets/..%2Findex.html', '/assets/%2e%2e%2fpackage.json']) {
      const { status, body } = await node.get(path);
      expect([path, status, body.code]).toEqual([path, 404, 'route_not_found']);
    }
  });

  test('are said to be missing where they were not built', async () => {
    const { builtPage } = await import('../../src/transports/rest/page.ts');
    await using node = await quietNode({ page: builtPage('/nowhere/web') });
    const { status, body } = await node.get('/');
    expect(status).toBe(404);
    expect(body.detail).toContain('npm run build');
  });
});

describe.skipIf(!hasBrowser)('the page', () => {
  test('asks for a name once, posts under it, and shows what others do', async () => {
    await using node = await testNode();
    const page = await pageOf(node, {});
    onTestFinished(() => page.context().close());
    await page.getByLabel('Your name, as agents see it').fill('ada');
    await page.getByRole('button', { name: 'Come in' }).last().click();
    await page.getByLabel('Message #general').fill('Good morning');
    await page.keyboard.press('Enter');
    await page.getByRole('log').getByText('Good morning').waitFor();
    expect((await node.get('/chat/messages?channel=general')).body.messages).toMatchObject([
      { from: 'ada', content: 'Good morning' },
    ]);
    expect((await node.get('/agents/ada')).body.agent).toMatchObject({ kind: 'human' });

    await node.post('kai', 'And to you', { channel: 'general' });
    await page.getByRole('log').getByText('And to you').waitFor();
    await node.send('POST', '/tasks', { title: 'Mend the login', createdBy: 'kai', priority: 'P0' });
    await page.getByRole('region', { name: 'Board' }).getByText('Mend the login').waitFor();

    await page.reload();
    await page.getByRole('log').getByText('And to you').waitFor();
    expect(await page.getByRole('dialog').count()).toBe(0);
  });
});
