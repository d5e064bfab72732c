import { describe, expect, test } from 'vitest';
import { given } from '../../../tests/support/given.ts';
import { channels } from '../channels/index.ts';
import { messages } from '../messages/index.ts';
import { importInboxes } from './import.ts';
import { inbox } from './index.ts';

const table = [channels, inbox, messages];
const imported = (agent: string, more: object = {}) => ({
  type: 'inbox_imported',
  subject: agent,
  actor: agent,
  data: { agent, acknowledged: [], ...more },
});
const said = (channel: string, content = 'hello', more: object = {}) => ({
  type: 'message_posted',
  actor: 'link',
  data: { id: 'm1', from: 'link', channel, content, timestamp: 5, reactions: {}, ...more },
});

describe('subscriptions', () => {
  test('are the default four until an agent has its own', async () => {
    expect(await given(table).asks('inbox.subscriptions', { agent: 'kai' })).toEqual({
      subscriptions: ['general', 'decisions', 'problems', 'shipping'],
    });
  });

  test('are the agent’s own where it has some, also where it follows nothing', async () => {
    const scene = given(table, imported('kai', { subscriptions: ['dev'] }), imported('pixel', { subscriptions: [] }));
    expect(await scene.asks('inbox.subscriptions', { agent: 'kai' })).toEqual({ subscriptions: ['dev'] });
    expect(await scene.asks('inbox.subscriptions', { agent: 'pixel' })).toEqual({ subscriptions: [] });
  });

  test('say which messages concern an agent', () => {
    const own = imported('kai', { subscriptions: ['dev'] });
    expect(given(table, own, said('dev')).concerned('kai', 'pixel')).toEqual(['kai']);
    expect(given(table, own, said('general')).concerned('kai', 'pixel')).toEqual(['pixel']);
  });

  test('do not keep mentions and direct messages from an agent', () => {
    const own = imported('kai', { subscriptions: [] });
    expect(given(table, own, said('random', 'ask @kai')).concerned('kai', 'pixel')).toEqual(['kai']);
    expect(given(table, own, said('random', 'you', { to: 'kai' })).concerned('kai', 'pixel')).toEqual(['kai']);
    expect(given(table, own, said('dm:kai:link')).concerned('kai', 'pixel')).toEqual(['kai']);
  });
});

describe('importing', () => {
  const state = { agent: 'kai', subscriptions: ['dev'], acknowledged: ['m1', 'm2'], lastReadAt: 7 };

  test('an inbox keeps subscriptions, acknowledged ids and the time of the last reading', () => {
    const scene = given(table)
      .when(importInboxes, { inboxes: [state] })
      .then(imported('kai', state));
    expect(scene.entity('inboxes', 'kai')).toMatchObject(state);
  });

  test('a second time nothing changes; what differs stays as it is here', () => {
    const scene = given(table, imported('kai', state));
    const same = scene.when(importInboxes, { inboxes: [state] });
    same.thenNothing();
    expect(same.answer.outcomes).toEqual(['there']);
    const other = scene.when(importInboxes, { inboxes: [{ ...state, lastReadAt: 9 }] });
    other.thenNothing();
    expect(other.answer.outcomes).toEqual(['differs']);
  });

  test('many acknowledgements come in several events, and every one is kept', () => {
    const acknowledged = Array.from({ length: 12_345 }, (_, i) => `msg-${i}`);
    const decision = given(table).when(importInboxes, { inboxes: [{ ...state, acknowledged }] });
    expect(decision.after.entity('inboxes', 'kai')).toMatchObject({ ...state, acknowledged });
    for (const { data } of decision.events) expect(JSON.stringify(data).length).toBeLessThan(200_000);
    expect(decision.answer.outcomes).toEqual(['imported']);
    expect(decision.after.when(importInboxes, { inboxes: [{ ...state, acknowledged }] }).answer.outcomes).toEqual([
      'there',
    ]);
  });
});
