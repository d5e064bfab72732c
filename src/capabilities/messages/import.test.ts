import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { given } from '../../../tests/support/given.ts';
import { agents } from '../agents/index.ts';
import { channels } from '../channels/index.ts';
import { inbox } from '../inbox/index.ts';
import { importMessages } from './import.ts';
import { messages } from './index.ts';

const table = [agents, channels, inbox, messages];
const message = (id: string, more: object = {}) => ({
  id,
  from: 'link',
  content: `said in ${id}`,
  timestamp: 5,
  ...more,
});
const taken = (...list: object[]) => ({ messages: list.map((one) => ({ message: one, replies: [] })) });

describe('importing messages', () => {
  test('a message keeps its id, time, reactions and metadata, and its author said it', () => {
    const full = message('any id: ünï', {
      channel: 'dev',
      to: 'kai',
      reactions: { '👍': ['kai', 'link'] },
      metadata: { a: [1, { b: null }] },
    });
    const scene = given(table)
      .when(importMessages, taken(full))
      .then({ type: 'message_posted', actor: 'link', subject: 'any id: ünï', data: full });
    expect(scene.entity('messages', 'any id: ünï')).toEqual({ ...full, seq: 1 });
    expect(scene.all('agents')).toEqual([{ name: 'link', firstSeen: 5, seq: expect.any(Number) }]);
  });

  test('a channel that is missing means general; one that is unknown is created, once, as old as its first message', () => {
    const { after, events } = given(table).when(
      importMessages,
      taken(message('a'), message('b', { channel: 'lab', timestamp: 7 }), message('c', { channel: 'lab' })),
    );
    expect(events.map(({ type }) => type)).toEqual([
      'message_posted',
      'channel_created',
      'message_posted',
      'message_posted',
    ]);
    expect(after.entity('messages', 'a').channel).toBe('general');
    expect(after.entity('channels', 'lab')).toMatchObject({ createdAt: 7, count: 2 });
  });

  test('what is there stays as it is, and what differs is told', () => {
    const { after } = given(table).when(importMessages, taken(message('a'), message('b')));
    const edited = after.when('messages.edit', { id: 'b', from: 'link', content: 'better' }).after;
    const again = edited.when(importMessages, taken(message('a'), message('b'), message('c')));
    expect(again.answer.outcomes).toEqual(['there', 'differs', 'imported']);
    expect(again.after.entity('messages', 'b').content).toBe('better');
  });

  test('a deleted message does not come back', () => {
    const { after } = given(table).when(importMessages, taken(message('a')));
    const gone = after.when('messages.delete', { id: 'a', from: 'link' }).after;
    gone.when(importMessages, taken(message('a'))).thenNothing();
  });

  test('a message with replies that came before it counts them', () => {
    const { after } = given(table).when(importMessages, taken(message('r', { threadId: 'p' })));
    const { after: whole } = after.when(importMessages, {
      messages: [{ message: message('p'), replies: ['r', 'never'] }],
    });
    expect(whole.entity('messages', 'p').replyCount).toBe(1);
  });

  test('the server of that time is an author, but no agent', () => {
    const { after } = given(table).when(importMessages, taken(message('a', { from: 'system' })));
    expect(after.entity('messages', 'a').from).toBe('system');
    expect(after.all('agents')).toEqual([]);
  });

  test('a private channel keeps its two ends in order', () => {
    const { after } = given(table).when(importMessages, taken(message('a', { channel: 'dm:link:kai' })));
    expect(after.entity('messages', 'a')).toMatchObject({ channel: 'dm:kai:link', to: 'kai' });
  });

  test('a thread never leads from a public message to a private one, nor back', () => {
    const { after } = given(table).when(
      importMessages,
      taken(
        message('public'),
        message('private', { channel: 'dm:kai:link' }),
        message('a', { channel: 'dm:kai:link', threadId: 'public' }),
        message('b', { threadId: 'private' }),
        message('c', { channel: 'dm:kai:link', threadId: 'lost' }),
        message('d', { channel: 'dm:kai:link', threadId: 'private' }),
        message('e', { channel: 'dev', threadId: 'public' }),
        message('f', { threadId: 'f' }),
      ),
    );
    const thread = (id: string) => after.entity('messages', id).threadId;
    expect(['a', 'b', 'c'].map(thread)).toEqual([undefined, undefined, undefined]);
    expect(['d', 'e', 'f'].map(thread)).toEqual(['private', 'public', undefined]);
  });

  test.each([
    ['a name that is none', { from: 'no name' }],
    ['a reserved name', { from: 'anonymous' }],
    ['an id that is too long', { id: 'x'.repeat(129) }],
    ['a private channel of others', { channel: 'dm:kai:pixel' }],
    ['a time that is text', { timestamp: '2026-01-01' }],
    ['a reaction of nobody', { reactions: { '👍': 'kai' } }],
    ['more than an event holds', { content: 'é'.repeat(140_000) }],
    ['JSON that is nested too deeply', { metadata: { a: JSON.parse('['.repeat(100) + ']'.repeat(100)) } }],
  ])('a message with %s is refused', (_, more) => {
    given(table)
      .when(importMessages, taken(message('a', more)))
      .thenRefused('invalid_input');
  });

  test('no door shows it', () => {
    expect(messages.operations.map(({ name }) => name)).not.toContain('messages.import');
    expect(importMessages.http).toEqual([]);
  });

  test('however a history is cut into commands, the state is the same', () => {
    const history = fc
      .array(fc.record({ channel: fc.constantFrom('general', 'lab', 'dm:kai:link'), parent: fc.option(fc.nat(8)) }), {
        maxLength: 8,
      })
      .map((list) =>
        list.map(({ channel, parent }, i) =>
          message(`m${i}`, { channel, timestamp: i, ...(parent !== null && parent < i && { threadId: `m${parent}` }) }),
        ),
      );
    fc.assert(
      fc.property(history, fc.nat(8), (list, cut) => {
        const empty = given(table);
        const whole = empty.when(importMessages, taken(...list)).after;
        const first = empty.when(importMessages, taken(...list.slice(0, cut))).after;
        const both = first.when(importMessages, taken(...list)).after;
        expect(both.all('messages')).toEqual(whole.all('messages'));
        expect(both.all('channels')).toEqual(whole.all('channels'));
      }),
    );
  });
});
