import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openKernel } from '../../src/node.ts';
import { temporaryDirectory } from '../support/directory.ts';
import type { Json } from '../support/node.ts';

test('of what comes while inboxes are read and acknowledged, nothing counts as read that was not shown', {
  timeout: 120_000,
}, async () => {
  const step = fc.constantFrom('post', 'post', 'mention', 'read', 'ackAll', 'ackFirst', 'ackTime', 'delete');
  using directory = temporaryDirectory();
  const node = await openKernel({
    config: { DATA_DIR: directory.path, DURABILITY: { mode: 'always' }, SEGMENT_MIB: 1 },
  });
  const call = (name: string, input: Record<string, unknown>): Promise<Json> => node.kernel.call(name, input, {});
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 14 }), async (steps) => {
        const agent = 'bob';
        const send = (content: string) => call('messages.send', { from: 'ada', content });
        const old: string[] = [];
        for (const text of ['one', 'two @bob', 'three', 'four @bob']) old.push((await send(text)).value.message.id);
        const acknowledged = old.pop();
        const came = new Map<string, number>();
        const dealtWith = new Set<string>();
        let ackedUpTo = 0;
        const calls: Record<string, () => Promise<void>> = {
          post: async () => arrived(await send('hello')),
          mention: async () => arrived(await send('hello @bob')),
          read: async () => {
            const { value } = await call('inbox.list', { agent, limit: 1_000 });
            for (const { id } of value.messages) dealtWith.add(id);
          },
          ackAll: async () => {
            const { seq } = await call('inbox.ack', { agent, all: true });
            ackedUpTo = Math.max(ackedUpTo, seq);
          },
          ackFirst: async () => void (await call('inbox.ack', { agent, messageIds: [acknowledged] })),
          ackTime: async () => void (await call('inbox.ack', { agent, timestamp: 1 })),
          delete: async () => {
            const id = old.pop();
            if (id !== undefined) await call('messages.delete', { id, from: 'ada' });
          },
        };
        const arrived = ({ value }: Json): void => void came.set(value.message.id, value.message.seq);
        await Promise.all(steps.map((name) => calls[name]?.()));
        const unseen = [...came].filter(([id, seq]) => seq > ackedUpTo && !dealtWith.has(id)).length;
        const unread = await call('inbox.unread', { agent });
        expect(unread.value.count).toBeGreaterThanOrEqual(unseen);
        await call('inbox.list', { agent, limit: 1_000 });
        expect((await call('inbox.unread', { agent })).value).toMatchObject({ count: 0, mentions: 0 });
        await call('inbox.ack', { agent, all: true });
      }),
      { numRuns: 60 },
    );
  } finally {
    await node.close();
  }
});
