import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ImportedMessage } from '../../capabilities/messages/import.ts';
import { arrangeThreads } from './threads.ts';

const message = (id: string, threadId?: string) =>
  ImportedMessage.parse({ id, from: 'link', content: id, timestamp: 1, ...(threadId !== undefined && { threadId }) });
const arranged = (...messages: ImportedMessage[]) =>
  arrangeThreads(messages).map(({ message: { id, threadId }, replies }) => [id, threadId, replies.join(' ')]);

test('the order stays, and a first message knows its replies', () => {
  expect(arranged(message('a'), message('b'), message('c', 'a'), message('d', 'a'))).toEqual([
    ['a', undefined, 'c d'],
    ['b', undefined, ''],
    ['c', 'a', ''],
    ['d', 'a', ''],
  ]);
});

test('a first message that comes late goes before its replies', () => {
  expect(arranged(message('x'), message('b', 'a'), message('a')).map(([id]) => id)).toEqual(['x', 'a', 'b']);
});

test('a reply to a reply is in the thread, also where the first message is missing', () => {
  expect(arranged(message('a'), message('b', 'a'), message('c', 'b'))[2]).toEqual(['c', 'a', '']);
  expect(arranged(message('b', 'lost'), message('c', 'b'))[1]).toEqual(['c', 'lost', '']);
});

test('messages that answer themselves, or each other in a ring, begin threads', () => {
  expect(arranged(message('a', 'a'))).toEqual([['a', undefined, '']]);
  expect(arranged(message('a', 'b'), message('b', 'a'), message('c', 'a'))).toEqual([
    ['a', undefined, 'c'],
    ['b', undefined, ''],
    ['c', 'a', ''],
  ]);
});

test('whatever answers what, every message comes once, and after the one that it answers', () => {
  const links = fc.array(fc.option(fc.nat(12), { nil: undefined }), { maxLength: 12 });
  fc.assert(
    fc.property(links, (list) => {
      const messages = list.map((to, i) => message(`m${i}`, to === undefined ? undefined : `m${to}`));
      const result = arrangeThreads(messages);
      const place = new Map(result.map(({ message: { id } }, i) => [id, i]));
      expect([...place.keys()].sort()).toEqual(messages.map(({ id }) => id).sort());
      for (const { message: one, replies } of result) {
        const root = one.threadId === undefined ? undefined : result[place.get(one.threadId) ?? -1];
        if (root !== undefined) {
          expect(place.get(root.message.id)).toBeLessThan(place.get(one.id) as number);
          expect(root.message.threadId).toBeUndefined();
          expect(root.replies).toContain(one.id);
        }
        for (const reply of replies) expect(result[place.get(reply) as number]?.message.threadId).toBe(one.id);
      }
    }),
  );
});
