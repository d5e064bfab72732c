import axe from 'axe-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hasBrowser } from '../support/browser.ts';
import { testNode } from '../support/node.ts';
import { pageOf } from '../support/page.ts';

interface Finding {
  id: string;
  impact: string;
  nodes: { html: string; failureSummary: string }[];
}

describe.skipIf(!hasBrowser)('people who do not see, or do not point, are kept out by nothing', () => {
  test.each([
    ['light', { width: 1440, height: 900 }],
    ['dark', { width: 1440, height: 900 }],
    ['light', { width: 380, height: 760 }],
  ] as const)('%s, %j', async (colorScheme, viewport) => {
    await using node = await testNode();
    const { body } = await node.send('POST', '/tasks', {
      title: 'Mend it',
      createdBy: 'kai',
      priority: 'P0',
      tags: ['x'],
    });
    await node.send('POST', '/tasks', {
      title: 'Ship it',
      createdBy: 'kai',
      priority: 'P1',
      blocked_by: [body.task.id],
    });
    await node.send('POST', `/tasks/${body.task.id}/claim`, { agent: 'kai', ttl: 60 });
    const { id } = await node.post(
      'kai',
      'See `x`, @ada and #dev:\n\n```\nlong code\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |',
      {
        channel: 'general',
      },
    );
    await node.send('POST', `/chat/messages/${id}/react`, { from: 'ada', emoji: '👍' });
    const page = await pageOf(node, { name: 'ada', colorScheme, viewport });
    onTestFinished(() => page.context().close());
    const look = async (what: string) => {
      // The policy of the page lets no script in; a script that the browser itself runs is none of the page's.
      const findings = (await page.evaluate(
        `${axe.source};axe.run().then(({ violations }) => violations)`,
      )) as Finding[];
      const serious = findings.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect(serious.map(({ id, nodes }) => [what, id, ...nodes.map(({ html }) => html.slice(0, 200))])).toEqual([]);
    };
    await page.locator('.card').first().waitFor();
    await look('board');
    if (viewport.width < 1000)
      for (const name of ['Room', 'Chat', 'Events']) {
        await page.getByRole('navigation', { name: 'Panels' }).getByRole('button', { name }).click();
        await look(name);
      }
    else await page.locator('.message').first().waitFor();
    await page.keyboard.press('Shift+?');
    await page.getByRole('dialog').waitFor();
    await look('help');
    await page.keyboard.press('Escape');
    await page.keyboard.press('c');
    await page.getByRole('dialog', { name: 'New task' }).waitFor();
    await look('new task');
  });
});
