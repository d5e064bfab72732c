import axe from 'axe-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hasBrowser } from '../support/browser.ts';
import { type Json, type TestNode, testNode } from '../support/node.ts';
import { pageOf } from '../support/page.ts';

async function done(answer: Promise<{ status: number; body: unknown }>): Promise<Json> {
  const { status, body } = await answer;
  expect([status, body]).toEqual([200, expect.anything()]);
  return body;
}

async function taskOf(node: TestNode, more: object): Promise<string> {
  const { task } = await done(node.send('POST', '/tasks', { title: 'Mend the login', createdBy: 'ivy', ...more }));
  return task.id;
}

async function paneOf(node: TestNode, path: string, name = 'ada') {
  const page = await pageOf(node, { name, path: `/#/${path}` });
  onTestFinished(() => page.context().close());
  return { page, pane: page.locator('[data-region="pane"]') };
}

describe.skipIf(!hasBrowser)('the pane of a task', () => {
  test('shows what became of it beside what was said, its runs, and its reviewer approves it', async () => {
    await using node = await testNode();
    const id = await taskOf(node, { reviewer: 'ada', description: 'It **must** hold. <img src=x onerror=alert(1)>' });
    await done(node.send('POST', `/tasks/${id}/claim`, { agent: 'kai' }));
    await done(node.send('POST', `/tasks/${id}/comments`, { author: 'kai', content: 'The cookie is too old.' }));
    await done(node.send('POST', `/tasks/${id}/fail`, { agent: 'kai', reason: 'no browser' }));
    await done(node.send('POST', `/tasks/${id}/claim`, { agent: 'kai' }));
    await done(node.send('POST', `/tasks/${id}/complete`, { agent: 'kai', result: 'Read once.' }));
    const { page, pane } = await paneOf(node, `task/${id}`);

    await pane.getByRole('heading', { name: 'Mend the login' }).waitFor();
    const events = pane.getByRole('region', { name: 'What happened' });
    await events.getByText('no browser').waitFor();
    expect(await events.getByRole('listitem').filter({ hasText: 'claimed' }).count()).toBe(2);
    const runs = pane.getByRole('region', { name: 'Runs' });
    expect(await runs.getByRole('listitem').allInnerTexts()).toEqual([
      expect.stringContaining('completed'),
      expect.stringContaining('no browser'),
    ]);
    await pane.getByRole('region', { name: 'Thread' }).getByText('The cookie is too old.').waitFor();
    expect(await pane.locator('img').count()).toBe(0);
    expect(await pane.getByText('<img src=x onerror=alert(1)>').count()).toBe(1);

    await pane.getByLabel('Comment on the task').fill('I look at it.');
    await page.keyboard.press('Enter');
    await pane.getByRole('region', { name: 'Thread' }).getByText('I look at it.').waitFor();

    await pane.getByRole('button', { name: 'Approve' }).click();
    await pane.getByLabel('A word to whoever did it').fill('Well done.');
    await pane.locator('form.question').getByRole('button', { name: 'Approve' }).click();
    await pane.getByText('approved by').waitFor();
    expect((await node.get(`/tasks/${id}`)).body.task).toMatchObject({
      status: 'done',
      review: { by: 'ada', verdict: 'approved', comment: 'Well done.' },
    });
    expect(page.complaints).toEqual([]);
  });

  test('lets one take a task, and says why where somebody else was first', async () => {
    await using node = await testNode();
    const id = await taskOf(node, {});
    const { pane, page } = await paneOf(node, `task/${id}`);
    await pane.getByRole('button', { name: 'Take it' }).click();
    await pane.getByRole('button', { name: 'Give it back' }).waitFor();
    expect((await node.get(`/tasks/${id}`)).body.task.claim.agent).toBe('ada');
    await pane.getByRole('button', { name: 'It failed' }).click();
    await pane.getByLabel('Why it did not succeed').fill('too hard');
    await pane.getByRole('button', { name: 'Give up this run' }).click();
    await pane.getByText('too hard').first().waitFor();

    await page.route('**/call/tasks.claim', async (route) => {
      await done(node.send('POST', `/tasks/${id}/claim`, { agent: 'kai' }));
      await route.continue();
    });
    await pane.getByRole('button', { name: 'Take it' }).click();
    await page.locator('.notice.refused').getByText('kai').first().waitFor();
    expect((await node.get(`/tasks/${id}`)).body.task.claim.agent).toBe('kai');
    await pane.getByRole('button', { name: 'Take over' }).waitFor();
  });

  test('of a task that is not there says so', async () => {
    await using node = await testNode();
    const { pane } = await paneOf(node, 'task/task-1-none');
    await pane.getByRole('alert').getByText('task-1-none').waitFor();
  });
});

describe.skipIf(!hasBrowser)('the pane of an agent', () => {
  test('shows how it is, its tasks and what it did last', async () => {
    await using node = await testNode();
    await done(node.send('PUT', '/agents/kai', { role: 'builder', capabilities: ['typescript'] }));
    const id = await taskOf(node, {});
    await done(node.send('POST', `/tasks/${id}/claim`, { agent: 'kai' }));
    await node.post('kai', 'I am at the login.');
    const { pane } = await paneOf(node, 'agent/kai');
    await pane.getByText('builder').waitFor();
    await pane.getByText('working').waitFor();
    await pane.getByRole('region', { name: 'Tasks' }).getByRole('link', { name: 'Mend the login' }).waitFor();
    const acts = pane.getByRole('region', { name: 'Last acts' });
    await acts.getByText('I am at the login.').waitFor();
    await node.post('kai', 'It is mended.');
    await acts.getByText('It is mended.').waitFor();
  });

  test('of nobody says how somebody comes to be', async () => {
    await using node = await testNode();
    const { pane } = await paneOf(node, 'agent/nobody-here');
    await pane.getByText(/curl -X PUT .*agents\/nobody-here/).waitFor();
  });
});

describe.skipIf(!hasBrowser)('the pane of memories', () => {
  test('adds one, finds it with its score, changes it and shows what it said before', async () => {
    await using node = await testNode();
    const { page, pane } = await paneOf(node, 'memory');
    await pane.getByText(/curl .*\/memories/).waitFor();
    await pane.getByRole('button', { name: 'Remember' }).click();
    await pane.getByLabel('What is to be remembered').fill('The cookie lives for 30 days.');
    await pane.getByLabel('Key').fill('cookie');
    await pane.getByLabel('Tags').fill('auth, web');
    await pane.locator('form.question').getByRole('button', { name: 'Remember' }).click();
    await pane.getByRole('link', { name: 'cookie' }).waitFor();
    await done(node.send('POST', '/memories', { agent: 'kai', content: 'Boots are in the hall.' }));
    await pane.getByText('Boots are in the hall.').first().waitFor();

    await pane.getByLabel('Search memories').fill('cookie days');
    await page.keyboard.press('Enter');
    await pane.getByText('1 found, by words').waitFor();
    expect(Number.parseFloat(String(await pane.locator('.score').textContent()))).toBeGreaterThan(0);
    expect(await pane.locator('mark').allInnerTexts()).toContain('cookie');

    await pane.getByRole('link', { name: 'cookie' }).click();
    await pane.getByRole('button', { name: 'Change' }).click();
    await pane.getByLabel('What is to be remembered').fill('The cookie lives for 14 days.');
    await pane.getByRole('button', { name: 'Save' }).click();
    const versions = pane.getByRole('region', { name: 'Versions' });
    await versions.getByText('The cookie lives for 14 days.').waitFor();
    await versions.getByText('The cookie lives for 30 days.').waitFor();
  });
});

describe.skipIf(!hasBrowser)('the pane of what one missed', () => {
  test('shows what is addressed to one, and acknowledges it: one by one, and all', async () => {
    await using node = await testNode();
    await done(node.send('PUT', '/agents/ada', { kind: 'human' }));
    await node.post('kai', '@ada is it Monday?');
    await node.post('ivy', 'May I merge?', { to: 'ada' });
    const { pane } = await paneOf(node, 'catch-up');
    const forMe = pane.getByRole('region', { name: 'For you' });
    await forMe.getByText('@ada is it Monday?').waitFor();
    await forMe.getByRole('button', { name: 'Dealt with: May I merge?' }).click();
    await forMe.getByText('May I merge?').waitFor({ state: 'detached' });
    expect(
      (await node.get('/inbox/ada?peek=1')).body.messages.map(({ content }: { content: string }) => content),
    ).toEqual(['@ada is it Monday?']);
    await pane.getByRole('button', { name: 'Acknowledge all of it' }).click();
    await pane.getByText('You are up to date.').waitFor();
    expect((await node.get('/inbox/ada?peek=1')).body.messages).toEqual([]);
    await node.post('kai', '@ada and now?');
    await pane.getByText('@ada and now?').waitFor();
  });
});

describe.skipIf(!hasBrowser)('the pane of figures', () => {
  test('shows what was done, how long it took, and who waits on whom', async () => {
    await using node = await testNode();
    const first = await taskOf(node, { title: 'Draw it', assignee: 'kai' });
    await taskOf(node, { title: 'Build it', assignee: 'rowan', blocked_by: [first] });
    const finished = await taskOf(node, { title: 'Name it' });
    await done(node.send('POST', `/tasks/${finished}/claim`, { agent: 'ivy' }));
    await done(node.send('POST', `/tasks/${finished}/complete`, { agent: 'ivy' }));
    const { pane } = await paneOf(node, 'analytics');
    await pane.getByRole('img', { name: /most: 1 on/ }).waitFor();
    const waits = pane.getByRole('region', { name: 'Who waits on whom' });
    expect(await waits.locator('li').first().textContent()).toMatch(
      /^kai\s+keeps 1 task waiting\s*rowan with.*Build it.*Draw it/s,
    );
    await pane.getByText('Half within').waitFor();
    const row = pane.getByRole('row').filter({ has: pane.page().getByRole('rowheader', { name: 'ivy' }) });
    expect(await row.getByRole('cell').nth(4).textContent()).toBe('1');
  });
});

describe.skipIf(!hasBrowser)('the pane of the server', () => {
  test('shows how large the journal is, how fast it is written, who listens, and what is wrong', async () => {
    await using node = await testNode();
    await node.post('kai', 'Hello');
    const { pane, page } = await paneOf(node, 'system');
    await pane.getByText('All is well.').waitFor();
    const tile = (name: string) => pane.locator('.tile').filter({ hasText: name }).locator('b');
    expect(await tile('Journal').textContent()).toMatch(/^[\d.]+ k?B$/);
    expect(await tile('Flush p99').textContent()).toMatch(/^[\d.]+ m?s$/);
    await expect.poll(() => tile('Subscribers').textContent()).toBe('1');
    expect(await tile('Slow readers').textContent()).toBe('0');
    const { version } = (await node.get('/health')).body;
    await pane.getByRole('region', { name: 'Versions' }).getByText(version, { exact: true }).waitFor();
    await page.route('**/call/system.health', async (route) => {
      const answer = await route.fetch();
      const health = await answer.json();
      await route.fulfill({
        response: answer,
        json: { ...health, status: 'degraded', problems: ['the disk is full'] },
      });
    });
    await pane.getByRole('alert').getByText('the disk is full').waitFor();
  });
});

describe.skipIf(!hasBrowser)('panes', () => {
  test('are opened by their keys and closed by Escape, and keep nobody out who does not see or point', async () => {
    await using node = await testNode();
    const first = await taskOf(node, { title: 'Draw it', assignee: 'kai', reviewer: 'ada', tags: ['look'] });
    await taskOf(node, { title: 'Build it', blocked_by: [first], priority: 'P0' });
    await done(node.send('POST', `/tasks/${first}/claim`, { agent: 'kai' }));
    await done(node.send('POST', `/tasks/${first}/comments`, { author: 'kai', content: 'It is drawn.' }));
    await done(node.send('POST', `/tasks/${first}/complete`, { agent: 'kai', result: 'Done' }));
    await done(node.send('POST', '/memories', { agent: 'kai', content: 'Boots are in the hall.', tags: ['a'] }));
    await node.post('kai', '@ada look at it');
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await pageOf(node, { name: 'ada', colorScheme });
      onTestFinished(() => page.context().close());
      const pane = page.locator('[data-region="pane"]');
      const look = async (what: string) => {
        const findings = (await page.evaluate(`${axe.source};axe.run().then(({ violations }) => violations)`)) as {
          id: string;
          impact: string;
          nodes: { html: string }[];
        }[];
        const serious = findings.filter(({ impact }) => impact === 'serious' || impact === 'critical');
        expect(serious.map(({ id, nodes }) => [what, id, ...nodes.map(({ html }) => html.slice(0, 160))])).toEqual([]);
      };
      for (const [keys, title, text] of [
        ['g m', 'Memory', 'Boots are in the hall.'],
        ['g u', 'Catch up', '@ada look at it'],
        ['g a', 'Analytics', 'Where work stands'],
        ['g s', 'System', 'All is well.'],
        ['g t', 'Time travel', 'Build it'],
      ] as const) {
        for (const key of keys.split(' ')) await page.keyboard.press(key);
        await page.getByRole('region', { name: title, exact: true }).getByText(text).first().waitFor();
        await look(title);
        await page.keyboard.press('Escape');
        await pane.waitFor({ state: 'detached' });
      }
      await page.locator(`.card [data-item="${first}"]`).click();
      await pane.getByText('It is drawn.').waitFor();
      await look('Task');
      await page.keyboard.press('Escape');
      await page.locator('.person').filter({ hasText: 'kai' }).click();
      await pane.getByRole('region', { name: 'Last acts' }).getByText('It is drawn.').waitFor();
      await look('Agent');
      await page.keyboard.press('Control+k');
      await page.getByRole('option').first().waitFor();
      await look('palette');
      await page.getByRole('combobox', { name: 'What is to be done' }).fill('tasks.update');
      await page.keyboard.press('Enter');
      await page.getByRole('dialog', { name: 'tasks.update' }).waitFor();
      await look('form');
      expect(page.complaints).toEqual([]);
    }
  }, 180_000);
});
