import { describe, expect, test } from 'vitest';
import { given } from '../../../tests/support/given.ts';
import { events } from './index.ts';

const table = [events];
const configured = (batchWindowMs: number) => ({
  type: 'events_configured',
  subject: 'settings',
  data: { batchWindowMs },
});

describe('the batch window', () => {
  test('is nothing until somebody sets it', async () => {
    expect(await given(table).asks('events.config', {})).toEqual({ batchWindowMs: 0 });
  });

  test('is what was set last', async () => {
    const scene = given(table, configured(100))
      .when('events.configure', { batchWindowMs: '250' })
      .then(configured(250));
    expect(await scene.asks('events.config', {})).toEqual({ batchWindowMs: 250 });
  });

  test('is told to who sets it', () => {
    expect(given(table).when('events.configure', { batchWindowMs: 5, agent: 'link' }).answer).toEqual({
      success: true,
      batchWindowMs: 5,
    });
  });

  test.each([undefined, -1, 60_001, 1.5, 'soon'])('cannot be %j', (batchWindowMs) => {
    given(table).when('events.configure', { batchWindowMs }).thenRefused('invalid_input', 'batchWindowMs is required');
  });
});
