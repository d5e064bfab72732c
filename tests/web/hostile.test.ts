import { describe, expect, onTestFinished, test } from 'vitest';
import { hasBrowser } from '../support/browser.ts';
import { testNode } from '../support/node.ts';
import { pageOf } from '../support/page.ts';

const TEXTS = [
  '<img src=x onerror="globalThis.hurt = 1"> <script>globalThis.hurt = 1</script><svg onload="globalThis.hurt=1">',
  '[a](javascript:globalThis.hurt=1) <javascript:globalThis.hurt=1> [b](data:text/html,<script>alert(1)</script>) [c](JaVaScRiPt:hurt)',
  '![x](javascript:globalThis.hurt=1) ![y](https://example.com/pixel.png) [d](vbscript:x "onmouseover=hurt")',
  '<iframe srcdoc="<script>parent.hurt=1</script>"></iframe>\n\n<a href="javascript:hurt=1" onclick="hurt=1">e</a>',
  '\u202e\u2066\u202dgnihton si siht \u202e\u0645\u0631\u062d\u0628\u0627 `\u202ecode`',
  `${'W'.repeat(3_000)} ${'> '.repeat(500)}deep`,
  '| a | b |\n|---|---|\n| <b onmouseover=hurt=1>x</b> | `</td><script>hurt=1</script>` |\n\n- [ ] <input autofocus onfocus=hurt=1>',
];

describe.skipIf(!hasBrowser)('what somebody wrote', () => {
  test('runs nothing, loads nothing, leads nowhere else and moves nothing', async () => {
    await using node = await testNode();
    for (const text of TEXTS) {
      await node.post('mallory', text, { channel: 'general' });
      await node.send('POST', '/tasks', { title: text.slice(0, 500), createdBy: 'mallory', description: text });
    }
    await node.send('PUT', '/agents/mallory', { role: '<img src=x onerror=hurt=1>\u202e' });
    const page = await pageOf(node, { name: 'ada' });
    onTestFinished(() => page.context().close());
    const elsewhere: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(node.url)) elsewhere.push(request.url());
    });
    await page.reload();
    await page.getByRole('log').getByText('globalThis.hurt = 1').first().waitFor();
    await page.locator('.inspector .row').first().click();
    await page.locator('.json pre').waitFor();
    expect(await page.evaluate('globalThis.hurt')).toBeUndefined();
    const inside = '.messages, .board, .rail, .inspector';
    const made = await page.evaluate(
      `[...document.querySelectorAll('${inside}')].flatMap((each) => [...each.querySelectorAll('img, script, iframe, input:not(.inspector input), svg, [onerror], [onclick], [srcdoc]')]).map((each) => each.outerHTML)`,
    );
    expect(made).toEqual([]);
    const links = (await page.evaluate(
      "[...document.querySelectorAll('.messages a')].map((each) => [each.protocol, each.rel, each.target])",
    )) as [string, string, string][];
    expect(links.length).toBeGreaterThan(0);
    for (const [protocol, rel] of links.filter(([, , target]) => target === '_blank')) {
      expect(protocol).toMatch(/^(?:https?|mailto):$/);
      expect(rel).toContain('noopener');
    }
    expect(links.filter(([protocol]) => !/^(?:https?|mailto):$/.test(protocol))).toEqual([]);
    expect(elsewhere).toEqual([]);
    // Nothing is wider than the page, and marks of direction turn no time and no name.
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    expect(
      await page.evaluate(
        "(() => { const box = document.querySelector('.messages'); return box.scrollWidth <= box.clientWidth; })()",
      ),
    ).toBe(true);
    const isolated = await page.evaluate(
      "[...document.querySelectorAll('.message .text')].every((each) => getComputedStyle(each).unicodeBidi === 'isolate')",
    );
    expect(isolated).toBe(true);
    expect(page.complaints).toEqual([]);
  });

  test('may be as long as a message can be: it is shown by its beginning, and whole to who asks', async () => {
    await using node = await testNode();
    // As much as the server takes: lists in lists, links, code, and no space for a line to break.
    const lines = '**a** [x](http://a.b) `c` - > 1. \n'.repeat(1_700);
    await node.post('mallory', lines, { channel: 'general' });
    await node.post('mallory', 'x'.repeat(60_000), { channel: 'general' });
    const page = await pageOf(node, { name: 'ada' });
    onTestFinished(() => page.context().close());
    const first = page.getByRole('article').first();
    await first.getByRole('button', { name: /Show all/ }).waitFor();
    expect(((await first.locator('.text').textContent()) as string).length).toBeLessThan(5_000);
    await first.getByRole('button', { name: /Show all/ }).click();
    await first.locator('pre.plain').waitFor();
    expect(await first.locator('pre.plain').textContent()).toBe(lines);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await page.getByLabel('Message #general').fill('still here');
    await page.keyboard.press('Enter');
    await page.getByRole('log').getByText('still here').waitFor();
  });
});
