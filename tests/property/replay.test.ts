import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Refusal } from '../../src/kernel/errors.ts';
import { type OpenedKernel, openKernel } from '../../src/node.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { quiet } from '../support/node.ts';

const AGENTS = ['ada', 'bob', 'cyd'] as const;
const agent = fc.constantFrom(...AGENTS);
const which = fc.nat({ max: 30 });

/** Things that agents do; `which` points at an earlier message. */
const act = fc.oneof(
  fc.record({
    op: fc.constant('send'),
    from: agent,
    channel: fc.constantFrom('general', 'dev', 'new-room'),
    content: fc.string({ minLength: 1 }),
    key: fc.option(fc.nat({ max: 5 })),
  }),
  fc.record({ op: fc.constant('dm'), from: agent, to: agent, content: fc.string({ minLength: 1, unit: 'grapheme' }) }),
  fc.record({ op: fc.constant('reply'), from: agent, which }),
  fc.record({ op: fc.constant('react'), from: agent, which, emoji: fc.constantFrom('👍', 'ok', 'constructor') }),
  fc.record({ op: fc.constant('edit'), from: agent, which, content: fc.string({ minLength: 1 }) }),
  fc.record({ op: fc.constant('delete'), from: agent, which }),
  fc.record({ op: fc.constant('archive'), from: agent }),
);
type Act = {
  op: string;
  from: string;
  to?: string;
  channel?: string;
  content?: string;
  which?: number;
  emoji?: string;
  key?: number | null;
};

function open(dir: string): Promise<OpenedKernel> {
  const config = { DATA_DIR: dir, DURABILITY: { mode: 'always' as const }, SEGMENT_MIB: 1 };
  return openKernel({ config, capabilities: quiet });
}

/** Does it; a refusal is an outcome like any other. Answers the id of a new message. */
async function perform(
  { kernel }: OpenedKernel,
  { op, from, which = 0, ...more }: Act,
  ids: readonly string[],
): Promise<string | undefined> {
  const id = ids[which % Math.max(1, ids.length)] ?? 'msg-none';
  const calls: Record<string, [string, Record<string, unknown>]> = {
    send: ['messages.send', { from, channel: more.channel, content: more.content }],
    dm: ['messages.send', { from, to: more.to, content: more.content }],
    reply: ['messages.send', { from, threadId: id, content: 'a reply' }],
    react: ['messages.react', { id, from, emoji: more.emoji }],
    edit: ['messages.edit', { id, from, content: more.content }],
    delete: ['messages.delete', { id, from }],
    archive: ['channels.archive', { channel: 'new-room', from }],
  };
  const [name, input] = calls[op] as [string, Record<string, unknown>];
  try {
    const { value } = await kernel.call(name, input, { idempotencyKey: more.key == null ? undefined : `k${more.key}` });
    return (value as { message?: { id: string } }).message?.id;
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

/** Everything that a reader can see, for each agent and for nobody. */
async function everything({ kernel }: OpenedKernel): Promise<unknown> {
  const views: unknown[] = [];
  for (const who of [undefined, ...AGENTS]) {
    const { state } = await kernel.snapshot(who);
    const ask = async (name: string, input: object) =>
      (await kernel.call(name, { ...input, ...(who && { agent: who }) }, {})).value;
    views.push([
      who,
      state,
      await ask('messages.list', { limit: 1000 }),
      (await kernel.call('channels.list', {}, { agent: who })).value,
    ]);
  }
  return JSON.parse(JSON.stringify(views));
}

async function events({ kernel }: OpenedKernel): Promise<number> {
  return kernel.health().journal.head;
}

test('what is folded again from the journal is what was live, with the index and without it', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 40 }), async (acts) => {
      using directory = temporaryDirectory();
      let node = await open(directory.path);
      const ids: string[] = [];
      for (const each of acts as Act[]) {
        const id = await perform(node, each, ids);
        if (id !== undefined && !ids.includes(id)) ids.push(id);
      }
      const live = await everything(node);
      await node.close();
      node = await open(directory.path);
      expect(await everything(node)).toEqual(live);
      await node.close();
      rmSync(join(directory.path, 'index.sqlite'));
      node = await open(directory.path);
      expect(await everything(node)).toEqual(live);
      await node.close();
    }),
    { numRuns: 12 },
  );
});

test('a journal that is cut anywhere opens as it was after some whole command, and never as anything else', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(act, { minLength: 3, maxLength: 12 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }),
      async (acts, cuts) => {
        using directory = temporaryDirectory();
        const source = join(directory.path, 'source');
        mkdirSync(source);
        const node = await open(source);
        const ids: string[] = [];
        const states = new Map<number, unknown>([[await events(node), await everything(node)]]);
        for (const each of acts as Act[]) {
          const id = await perform(node, each, ids);
          if (id !== undefined && !ids.includes(id)) ids.push(id);
          states.set(await events(node), await everything(node));
        }
        // A kill leaves the files as they are; the orderly close below is of no use to the copies.
        for (const [i, cut] of cuts.entries()) {
          const copy = join(directory.path, `copy-${i}`);
          mkdirSync(join(copy, 'journal'), { recursive: true });
          cpSync(join(source, 'journal'), join(copy, 'journal'), { recursive: true });
          const [name = ''] = readdirSync(join(copy, 'journal')).filter((file) => file.endsWith('.jsonl'));
          const segment = join(copy, 'journal', name);
          const header = readFileSync(segment).indexOf(0x0a) + 1;
          truncateSync(segment, header + Math.floor(cut * (statSync(segment).size - header)));
          const opened = await open(copy);
          const state = states.get(await events(opened));
          expect(state).toBeDefined();
          expect(await everything(opened)).toEqual(state);
          await opened.close();
        }
        await node.close();
      },
    ),
    { numRuns: 4 },
  );
});
