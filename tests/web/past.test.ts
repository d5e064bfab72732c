import { describe, expect, onTestFinished, test } from 'vitest';
import { hasBrowser } from '../support/browser.ts';
import { testNode } from '../support/node.ts';
import { pageOf } from '../support/page.ts';

describe.skipIf(!hasBrowser)('time travel', () => {
  test('shows board and chat as they were, is marked, and refuses writing', async () => {
    await using node = await testNode();
    const { task } = (await node.send('POST', '/tasks', { title: 'Mend the login', createdBy: 'kai' })).body;
    const { seq: created } = await node.post('kai', 'It is only planned.');
    await node.send('POST', `/tasks/${task.id}/claim`, { agent: 'kai' });
    await node.send('POST', `/tasks/${task.id}/complete`, { agent: 'kai' });
    await node.post('kai', 'It is done.');
    const page = await pageOf(node, { name: 'ada', path: '/#/past' });
    onTestFinished(() => page.context().close());
    const past = page.getByRole('region', { name: 'Time travel' });
    const board = past.getByRole('region', { name: 'Board as it was' });
    const chat = past.getByRole('region', { name: 'Chat as it was' });
    const lane = (status: string) => board.getByRole('region', { name: new RegExp(`^${status},`) });
    await lane('done').getByText('Mend the login').waitFor();
    await chat.getByText('It is done.').waitFor();
    await past.getByText('The past · read-only').waitFor();

    const slider = past.getByRole('slider', { name: 'Event' });
    await slider.fill(String(created));
    await lane('todo').getByText('Mend the login').waitFor();
    expect(await lane('done').getByText('Mend the login').count()).toBe(0);
    await chat.getByText('It is only planned.').waitFor();
    expect(await chat.getByText('It is done.').count()).toBe(0);
    await slider.fill('0');
    await past.getByText('Before anything happened.').waitFor();
    await past.getByText('There were no tasks yet.').waitFor();
    await past.getByRole('button', { name: 'One event on' }).click();
    await expect.poll(() => slider.inputValue()).toBe('1');

    const before = (await node.get('/tasks')).body.tasks;
    await page.getByRole('button', { name: 'New task' }).click();
    await page.locator('.notice.refused').getByText('This is the past').first().waitFor();
    await past.locator('.scrubber').click({ position: { x: 2, y: 2 } });
    for (const key of ['c', 'm', '3']) await page.keyboard.press(key);
    expect(await page.getByRole('dialog').count()).toBe(0);
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'What is to be done' }).fill('messages.send');
    await page.keyboard.press('Enter');
    await page.locator('[name=content]').fill('Not now');
    await page.getByRole('button', { name: 'Run' }).click();
    await expect.poll(() => page.locator('.notice.refused').count()).toBeGreaterThan(1);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    expect((await node.get('/tasks')).body.tasks).toEqual(before);
    expect((await node.get('/chat/messages')).body.messages).toHaveLength(2);

    await past.getByRole('button', { name: 'Back to now' }).click();
    await page.getByRole('region', { name: 'Board', exact: true }).getByText('Mend the login').waitFor();
    expect(page.complaints).toEqual([]);
  });
});
