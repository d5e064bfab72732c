import { describe, expect, onTestFinished, test } from 'vitest';
import { hasBrowser } from '../support/browser.ts';
import { testNode } from '../support/node.ts';
import { pageOf } from '../support/page.ts';

describe.skipIf(!hasBrowser)('the palette', () => {
  test('has every operation of the table', async () => {
    await using node = await testNode();
    const page = await pageOf(node, { name: 'ada' });
    onTestFinished(() => page.context().close());
    await page.keyboard.press('Control+k');
    await page.getByRole('option').filter({ hasText: 'system.health' }).waitFor();
    const shown = await page.getByRole('option').locator('b').allInnerTexts();
    const { operations } = (await node.get('/capabilities?compact=1')).body as { operations: { name: string }[] };
    expect(operations.length).toBeGreaterThan(80);
    expect(operations.map(({ name }) => name).filter((name) => !shown.includes(name))).toEqual([]);
  });

  test('runs an operation with a form, shows what it answered, and a refusal with its hint', async () => {
    await using node = await testNode();
    const page = await pageOf(node, { name: 'ada' });
    onTestFinished(() => page.context().close());
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'What is to be done' }).fill('tasks.create');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'tasks.create' });
    await dialog.getByRole('button', { name: 'Run' }).click();
    await dialog
      .getByRole('alert')
      .getByText(/\/docs shows every field/)
      .waitFor();
    expect(await dialog.getByLabel('title').getAttribute('aria-invalid')).toBe('true');
    expect((await node.get('/tasks')).body.tasks).toEqual([]);

    await dialog.getByLabel('title').fill('Mend the login');
    await dialog.getByText('What it also takes').click();
    await dialog.locator('[name=priority]').selectOption('P1');
    await dialog.locator('[name=tags]').fill('auth\nweb, too');
    await dialog.locator('[name=due]').fill('1900000000000');
    await dialog.locator('[name=metadata]').fill('{"from":"a form"}');
    await dialog.getByRole('button', { name: 'Run' }).click();
    await dialog.getByRole('region', { name: 'Answer' }).getByText('"Mend the login"').waitFor();
    expect((await node.get('/tasks')).body.tasks).toMatchObject([
      {
        title: 'Mend the login',
        priority: 'P1',
        tags: ['auth', 'web, too'],
        due: 1_900_000_000_000,
        metadata: { from: 'a form' },
        createdBy: 'ada',
      },
    ]);

    await dialog.locator('[name=metadata]').fill('{"from":');
    await dialog.getByRole('button', { name: 'Run' }).click();
    await dialog.getByText('This must be JSON.').waitFor();
    expect((await node.get('/tasks')).body.tasks).toHaveLength(1);

    await page.keyboard.press('Escape');
    await page.getByRole('combobox', { name: 'What is to be done' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  test('opens panes, also from where one writes', async () => {
    await using node = await testNode();
    const page = await pageOf(node, { name: 'ada' });
    onTestFinished(() => page.context().close());
    await page.getByLabel('Message #general').focus();
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'What is to be done' }).fill('system');
    await page.getByRole('option').filter({ hasText: 'Opens the pane' }).click();
    await page.getByRole('region', { name: 'System', exact: true }).getByText('All is well.').waitFor();
  });
});
