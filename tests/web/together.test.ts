import type { Page } from 'playwright-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createClient } from '../../src/client/node.ts';
import { hasBrowser } from '../support/browser.ts';
import { type TestNode, testNode } from '../support/node.ts';
import { pageOf } from '../support/page.ts';

async function open(node: TestNode, name: string) {
  const page = await pageOf(node, { name });
  onTestFinished(() => page.context().close());
  return page;
}

const lane = (page: Page, status: string) => page.getByRole('region', { name: new RegExp(`^${status},`) });

describe.skipIf(!hasBrowser)('two people and an agent', () => {
  test('see what the others do, on every panel', async () => {
    await using node = await testNode();
    const kai = createClient({ url: node.url, agent: 'kai' });
    const { task } = await kai.tasks.create({ title: 'Mend the login', priority: 'P1' });
    const { task: later } = await kai.tasks.create({ title: 'Ship it', blocked_by: [task.id] });
    const ada = await open(node, 'ada');
    const bob = await open(node, 'bob');

    await ada.getByLabel('Message #general').fill('@bob, who mends the login?');
    await ada.keyboard.press('Enter');
    await bob.locator('.message.meant').getByText('who mends the login?').waitFor();
    const people = bob.getByRole('navigation', { name: 'People and channels' });
    await people.getByRole('link', { name: /ada/ }).waitFor();

    await kai.tasks.claim({ id: task.id, ttl: 600 });
    for (const page of [ada, bob]) {
      await lane(page, 'doing').getByText('Mend the login').waitFor();
      await lane(page, 'doing').locator('.until').waitFor();
      await lane(page, 'todo').getByText('waits for Mend the login').waitFor();
      await page.locator('.inspector').getByText('task_claimed').first().waitFor();
    }
    await kai.tasks.complete({ id: task.id });
    await lane(ada, 'done').getByText('Mend the login').waitFor();
    expect(await lane(bob, 'todo').getByText('waits for').count()).toBe(0);

    await lane(bob, 'todo').getByText('Ship it').dragTo(lane(bob, 'validating'));
    await lane(ada, 'validating').getByText('Ship it').waitFor();
    expect((await kai.tasks.get({ id: later.id })).task.status).toBe('validating');
  });

  test('are told why a move is refused, and the card goes back', async () => {
    await using node = await testNode();
    const kai = createClient({ url: node.url, agent: 'kai' });
    const { task } = await kai.tasks.create({ title: 'Mend the login', reviewer: 'sage' });
    const ada = await open(node, 'ada');
    await lane(ada, 'todo').getByText('Mend the login').dragTo(lane(ada, 'done'));
    await ada.getByText(/is done when sage has approved it/).waitFor();
    await lane(ada, 'todo').getByText('Mend the login').waitFor();

    await kai.tasks.claim({ id: task.id, ttl: 600 });
    await lane(ada, 'doing').getByText('Mend the login').dragTo(lane(ada, 'todo'));
    await ada.getByRole('button', { name: 'Take over' }).click();
    await lane(ada, 'todo').getByText('Mend the login').waitFor();
    expect((await kai.tasks.get({ id: task.id })).task.status).toBe('todo');
  });

  test('have threads, reactions, names at hand, unread counts and drafts', async () => {
    await using node = await testNode();
    const { id } = await node.post('kai', 'Who reviews?', { channel: 'general' });
    const ada = await open(node, 'ada');
    const message = ada.getByRole('article').filter({ hasText: 'Who reviews?' });
    await message.hover();
    await message.getByRole('button', { name: 'React with 👍' }).click();
    await message.getByRole('button', { name: /^👍, 1: ada/ }).waitFor();
    await message.hover();
    await message.getByRole('button', { name: 'Reply' }).click();
    await ada.getByLabel('Reply in the thread').fill('I do, @k');
    await ada.getByRole('option', { name: 'kai' }).waitFor();
    await ada.keyboard.press('Tab');
    await ada.keyboard.press('Enter');
    await ada.getByRole('log').getByText('I do, @kai').waitFor();
    const { body } = await node.get(`/chat/messages/${id}/thread`);
    expect(body.messages.map((each: { content: string }) => each.content)).toEqual(['Who reviews?', 'I do, @kai']);
    await ada
      .getByRole('button', { name: /general$/ })
      .first()
      .click();
    await message.getByRole('button', { name: '1 reply' }).waitFor();

    await node.post('kai', 'Over here', { channel: 'dev' });
    const dev = ada.getByRole('navigation', { name: 'People and channels' }).getByRole('button', { name: /^#?dev/ });
    await dev.getByText('1 unread').waitFor();
    await ada.getByLabel('Message #general').fill('Not yet');
    await dev.click();
    await ada.getByRole('log').getByText('Over here').waitFor();
    expect(await dev.getByText('unread').count()).toBe(0);
    await ada.getByLabel('Message #dev').press('Shift+Enter');
    await ada.reload();
    await ada
      .getByRole('button', { name: /^#?general/ })
      .first()
      .click();
    await ada.getByLabel('Message #general').waitFor();
    expect(await ada.getByLabel('Message #general').inputValue()).toBe('Not yet');
  });

  test('move nothing under the pointer of anybody', async () => {
    await using node = await testNode();
    for (const title of ['First', 'Second'])
      await node.send('POST', '/tasks', { title, createdBy: 'kai', priority: 'P2' });
    const ada = await open(node, 'ada');
    const row = ada.locator('.inspector .row').filter({ hasText: 'task_created' }).first();
    await row.hover();
    const before = await row.boundingBox();
    await node.post('kai', 'Something happens', { channel: 'general' });
    await ada.getByRole('log').getByText('Something happens').waitFor();
    await ada
      .locator('.inspector .state')
      .getByText(/\(\+\d/)
      .waitFor();
    expect(await row.boundingBox()).toEqual(before);

    const card = lane(ada, 'todo').locator('.card').filter({ hasText: 'First' });
    await card.hover();
    await ada.locator('.inspector .row').filter({ hasText: 'Something happens' }).waitFor();
    const place = await card.boundingBox();
    await node.send('POST', '/tasks', { title: 'More urgent', createdBy: 'kai', priority: 'P0' });
    await lane(ada, 'todo').getByText('More urgent').waitFor();
    expect(await card.boundingBox()).toEqual(place);
    expect(await lane(ada, 'todo').locator('.title').last().textContent()).toContain('More urgent');
    await ada.getByLabel('Message #general').hover();
    await expect
      .poll(() => lane(ada, 'todo').locator('.title').first().textContent(), { timeout: 30_000 })
      .toContain('More urgent');
  });
});
