import { describe, expect, test } from 'vitest';
import { given, type Past, T0 } from '../../../tests/support/given.ts';
import { agents } from '../agents/index.ts';
import { channels } from '../channels/index.ts';
import { inbox } from '../inbox/index.ts';
import { messages } from './index.ts';

const table = [agents, channels, inbox, messages];
const posted = (id: string, from: string, more: object = {}): Past => ({
  type: 'message_posted',
  subject: id,
  actor: from,
  data: { id, from, content: `said in ${id}`, timestamp: T0, channel: 'general', reactions: {}, ...more },
});
const archive: Past[] = [
  { type: 'channel_created', subject: 'ops', data: { channel: 'ops', name: 'ops' } },
  { type: 'channel_updated', subject: 'ops', data: { channel: 'ops', archived: true } },
];
const deleted = (id: string, from: string): Past => ({
  type: 'message_deleted',
  subject: id,
  actor: from,
  data: { id, channel: 'general', from },
});

describe('sending', () => {
  test('a message goes to general unless said, with the time and id of its event', () => {
    given(table)
      .when('messages.send', { from: 'link', content: 'hello' })
      .then({
        type: 'message_posted',
        subject: `msg-${T0}-xxxxxxxxx`,
        data: {
          id: `msg-${T0}-xxxxxxxxx`,
          from: 'link',
          content: 'hello',
          timestamp: T0,
          channel: 'general',
          reactions: {},
          seq: 1,
        },
      });
  });

  test('a channel is created by the first message to it, in the same command', () => {
    const { events, after } = given(table).when('messages.send', { from: 'link', content: 'hello', channel: 'ops' });
    expect(events.map(({ type }) => type)).toEqual(['channel_created', 'message_posted']);
    // The message is the second event, and has its time.
    expect(events[1]?.data.timestamp).toBe(after.events[1]?.at);
    expect(after.entity('channels', 'ops')).toMatchObject({ createdBy: 'link', count: 1, participants: ['link'] });
  });

  test('a message to one agent without a channel is private to the two', () => {
    const { after } = given(table).when('messages.send', { from: 'link', to: 'kai', content: 'psst' });
    expect(after.entity('messages', `msg-${T0 + 1}-xxxxxxxxx`) ?? after.all('messages')[0]).toMatchObject({
      channel: 'dm:kai:link',
      to: 'kai',
    });
  });

  test('a message to one agent in a channel stays public', () => {
    const [event] = given(table).when('messages.send', {
      from: 'link',
      to: 'kai',
      channel: 'dev',
      content: 'x',
    }).events;
    expect(event?.data).toMatchObject({ channel: 'dev', to: 'kai' });
  });

  test.each([
    ['an archived channel', { channel: 'ops' }, 'channel_archived'],
    ['somebody else’s private channel', { channel: 'dm:kai:pixel' }, 'not_a_party'],
    ['a private channel under its other name', { channel: 'dm:link:kai' }, 'invalid_input'],
    ['a private channel with a third as recipient', { channel: 'dm:kai:link', to: 'pixel' }, 'invalid_input'],
    ['a thread that is not there', { threadId: 'nowhere' }, 'message_not_found'],
    ['a thread of another channel', { threadId: 'm1', channel: 'dev' }, 'thread_in_other_channel'],
    ['a private thread of others', { threadId: 'm2' }, 'message_not_found'],
    ['a deleted message', { threadId: 'm3' }, 'message_deleted'],
  ] as const)('to %s is refused', (_, more, code) => {
    given(
      table,
      ...archive,
      posted('m1', 'kai'),
      posted('m2', 'kai', { channel: 'dm:kai:pixel', to: 'pixel' }),
      posted('m3', 'kai'),
      deleted('m3', 'kai'),
    )
      .when('messages.send', { from: 'link', content: 'hello', ...more })
      .thenRefused(code);
  });

  test('nothing is no message, but an attachment is', () => {
    given(table)
      .when('messages.send', { from: 'link', content: '' })
      .thenRefused('invalid_input', 'from and content are required');
    const attachments = [{ name: 'a.txt', url: 'https://example.org/a.txt' }];
    expect(given(table).when('messages.send', { from: 'link', content: '', attachments }).events).toHaveLength(1);
  });

  test('JSON that is nested deeper than the index can read is refused', () => {
    const deep = JSON.parse(`${'['.repeat(1_000)}${']'.repeat(1_000)}`);
    for (const more of [{ metadata: { deep } }, { attachments: [{ name: 'a', deep }] }])
      given(table)
        .when('messages.send', { from: 'link', content: 'x', ...more })
        .thenRefused('invalid_input');
  });
});

describe('threads', () => {
  const scene = given(
    table,
    posted('m1', 'link', { channel: 'dev' }),
    posted('m2', 'kai', { channel: 'dev', threadId: 'm1' }),
  );

  test('a reply goes where its thread is, and a reply to a reply joins the thread', () => {
    for (const threadId of ['m1', 'm2']) {
      const [event] = scene.when('messages.send', { from: 'pixel', content: 'x', threadId }).events;
      expect(event?.data).toMatchObject({ channel: 'dev', threadId: 'm1' });
    }
  });

  test('a reply to a direct message goes to the other end', () => {
    const dm = given(table, posted('m1', 'link', { channel: 'dm:kai:link', to: 'kai' }));
    const [event] = dm.when('messages.send', { from: 'kai', content: 'x', threadId: 'm1' }).events;
    expect(event?.data).toMatchObject({ channel: 'dm:kai:link', to: 'link', threadId: 'm1' });
  });

  test('are shown whole, from any of their messages', async () => {
    for (const id of ['m1', 'm2']) {
      const { messages: shown, count } = await scene.asks('messages.thread', { id });
      expect(shown.map(({ id }: { id: string }) => id)).toEqual(['m1', 'm2']);
      expect(count).toBe(2);
    }
  });

  test('whose first message was lost are shown without it', async () => {
    const orphans = given(table, posted('a', 'link', { threadId: 'lost' }), posted('b', 'kai', { threadId: 'lost' }));
    const { messages: shown, count } = await orphans.asks('messages.thread', { id: 'a' });
    expect(shown.map(({ id }: { id: string }) => id)).toEqual(['a', 'b']);
    expect(count).toBe(2);
  });
});

describe('editing and deleting', () => {
  const scene = given(table, posted('m1', 'link', { metadata: { a: 1 }, reactions: { '👍': ['kai'] } }));

  test('an author changes the text, once', () => {
    const after = scene.when('messages.edit', { id: 'm1', from: 'link', content: 'better' }).then({
      type: 'message_edited',
      subject: 'm1',
      data: { id: 'm1', channel: 'general', from: 'link', content: 'better' },
    });
    expect(after.entity('messages', 'm1')).toMatchObject({ content: 'better', editedAt: T0 + 1 });
    after.when('messages.edit', { id: 'm1', from: 'link', content: 'better' }).thenNothing();
  });

  test('nobody else may change or delete it', () => {
    scene.when('messages.edit', { id: 'm1', from: 'kai', content: 'x' }).thenRefused('not_the_author');
    scene.when('messages.delete', { id: 'm1', from: 'kai' }).thenRefused('not_the_author');
  });

  test('deleting leaves a tombstone with nothing of what was said, and nothing can be added to it', () => {
    const { after } = scene.when('messages.delete', { id: 'm1', from: 'link' });
    expect(after.entity('messages', 'm1')).toEqual({
      id: 'm1',
      from: 'link',
      content: '',
      timestamp: T0,
      channel: 'general',
      reactions: {},
      deletedAt: T0 + 1,
      seq: 1,
    });
    after.when('messages.delete', { id: 'm1', from: 'link' }).thenRefused('message_deleted', 'Message not found');
    after.when('messages.edit', { id: 'm1', from: 'link', content: 'x' }).thenRefused('message_deleted');
    after.when('messages.react', { id: 'm1', from: 'kai', emoji: '👍' }).thenRefused('message_deleted');
  });
});

describe('reacting', () => {
  const scene = given(table, posted('m1', 'link'));
  const reacted = (agent: string, added: boolean, emoji = '👍') => ({
    type: 'message_reacted',
    subject: 'm1',
    data: { id: 'm1', channel: 'general', emoji, agent, added },
  });

  test('a reaction is added, and taken back by the same again; an empty one is gone', () => {
    const react = { id: 'm1', from: 'kai', emoji: '👍' };
    const once = scene.when('messages.react', react).then(reacted('kai', true));
    expect(once.entity('messages', 'm1').reactions).toEqual({ '👍': ['kai'] });
    const twice = once.when('messages.react', react).then(reacted('kai', false));
    expect(twice.entity('messages', 'm1').reactions).toEqual({});
  });

  test.each(['constructor', 'toString', 'hasOwnProperty'])('%s is a word like any other', (emoji) => {
    const { after } = scene.when('messages.react', { id: 'm1', from: 'kai', emoji });
    expect(after.entity('messages', 'm1').reactions).toEqual({ [emoji]: ['kai'] });
  });

  test.each(['👨‍👩‍👧‍👦', '❤️‍🔥', '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}', '👍🏽', '+1'])(
    '%j is a reaction',
    (emoji) => {
      const { after } = scene.when('messages.react', { id: 'm1', from: 'kai', emoji });
      expect(after.entity('messages', 'm1').reactions).toEqual({ [emoji]: ['kai'] });
    },
  );

  test.each([
    '',
    'two words',
    '__proto__',
    'x'.repeat(65),
    '\u0000',
    '\u202e👍',
    '👍\u200d',
    '\u200d👍',
    '👍\u{e0067}\u{e007f}',
  ])('%j is no reaction', (emoji) => {
    scene
      .when('messages.react', { id: 'm1', from: 'kai', emoji })
      .thenRefused('invalid_input', 'emoji and from are required');
  });

  test('the same event twice counts once', () => {
    const twice = given(table, posted('m1', 'link'), reacted('kai', true), reacted('kai', true));
    expect(twice.entity('messages', 'm1').reactions).toEqual({ '👍': ['kai'] });
  });
});

describe('reading', () => {
  const scene = given(
    table,
    posted('a', 'link', { timestamp: 10 }),
    posted('b', 'kai', { timestamp: 20, channel: 'dev', to: 'link', content: '50% of a_b' }),
    posted('c', 'link', { timestamp: 30, channel: 'dm:kai:link', to: 'kai' }),
    posted('d', 'pixel', { timestamp: 40 }),
  );
  const ids = (list: { id: string }[]) => list.map(({ id }) => id).join('');

  test.each([
    [{}, undefined, 'abd'],
    [{}, 'kai', 'abcd'],
    [{}, 'pixel', 'abd'],
    [{ from: 'link' }, 'link', 'ac'],
    [{ to: 'link' }, undefined, 'b'],
    [{ channel: 'dev' }, undefined, 'b'],
    [{ channel: 'dm:kai:link' }, 'kai', 'c'],
    [{ since: 20 }, undefined, 'bd'],
    [{ after: 20 }, undefined, 'd'],
    [{ before: '20' }, undefined, 'a'],
    [{ limit: 2 }, undefined, 'bd'],
  ])('the list for %j asked by %s is %s', async (input, agent, expected) => {
    const { messages: listed } = await scene.asks('messages.list', input as Record<string, unknown>, agent);
    expect(ids(listed)).toBe(expected);
  });

  test('a private list is refused to who is none of its ends', async () => {
    const input = { channel: 'dm:kai:link' };
    await expect(scene.asks('messages.list', input, 'pixel')).rejects.toMatchObject({ code: 'not_a_party' });
    await expect(scene.asks('messages.get', { id: 'c' }, 'pixel')).rejects.toMatchObject({ code: 'message_not_found' });
  });
});
