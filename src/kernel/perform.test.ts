import { expect, test } from 'vitest';
import { z } from 'zod';
import { MemoryJournal } from '../../tests/support/memory-journal.ts';
import { MemoryStore } from '../../tests/support/memory-store.ts';
import { type Context, capability, command } from './capability.ts';
import { Refusal } from './errors.ts';
import { Kernel } from './kernel.ts';

const full = new Refusal('disk_full', 'full');

/** A command that rings a bell outside, and a capability that hears when a connection is gone. */
async function open(options: { automatic?: boolean } = {}) {
  const rung: string[] = [];
  const ring = command({
    name: 'bell.ring',
    summary: 'Rings.',
    http: [],
    input: z.object({ tone: z.string() }),
    output: z.object({ heard: z.string() }),
    async perform({ tone }) {
      await new Promise((resolve) => setImmediate(resolve));
      if (tone === 'none') throw new Refusal('invalid_input', 'no tone');
      rung.push(tone);
      return { echo: `${tone} ${rung.length}` };
    },
    decide: () => [{ type: 'bell_rung', data: {} }],
    answer: (_, __, ___, { echo }) => ({ heard: echo }),
  });
  const hangUp = command({
    name: 'bell.hang_up',
    summary: 'Hears that a connection is gone.',
    http: [],
    input: z.object({ connection: z.string().optional() }),
    output: z.object({}),
    decide: ({ connection = 'all' }, _: Context<unknown>) => [{ type: 'line_cut', subject: connection, data: {} }],
    answer: () => ({}),
  });
  const bell = capability<unknown>()({
    name: 'bell',
    summary: 'A bell.',
    collections: [],
    events: { bell_rung: 'rung', line_cut: 'cut' },
    operations: [ring],
    hangUp,
  });
  const journal = new MemoryJournal(options);
  const kernel = await Kernel.open({
    journal,
    store: new MemoryStore(),
    capabilities: [bell],
    world: { clock: () => 1_000, random: (n) => 'x'.repeat(n) },
  });
  journal.commit();
  const call = (tone: string, key?: string) =>
    kernel.call('bell.ring', { tone }, { agent: 'link', idempotencyKey: key });
  return { journal, kernel, rung, call };
}

/** Until what a command does outside is done, and what it decided waits for the disk. */
async function decided(journal: MemoryJournal): Promise<void> {
  while (journal.head === journal.durable) await new Promise((resolve) => setImmediate(resolve));
}

test('what is done outside and cannot be written down is not done again, and is written by the retry', async () => {
  const { journal, rung, call } = await open();
  const lost = call('high', 'k');
  await decided(journal);
  journal.abort(full);
  await expect(lost).rejects.toBe(full);
  const retry = call('high', 'k');
  await decided(journal);
  journal.commit();
  expect(await retry).toMatchObject({ value: { heard: 'high 1' } });
  expect(rung).toEqual(['high']);
  expect(await call('high', 'k')).toMatchObject({ value: { heard: 'high 1' }, replayed: true });
});

test('it is done once, however often it is decided what is written down of it', async () => {
  const { journal, rung, call } = await open();
  const answer = call('low');
  await decided(journal);
  journal.abort(new Refusal('conflict', 'somebody was first'));
  await decided(journal);
  journal.commit();
  expect(await answer).toMatchObject({ value: { heard: 'low 1' } });
  expect(rung).toEqual(['low']);
});

test('a refusal means that nothing was done, and its key is free', async () => {
  const { rung, call } = await open({ automatic: true });
  await expect(call('none', 'k')).rejects.toMatchObject({ code: 'invalid_input' });
  expect(await call('high', 'k')).toMatchObject({ value: { heard: 'high 1' } });
  expect(rung).toEqual(['high']);
});

test('without a key it is done each time; of one key one waits for the other', async () => {
  const { rung, call } = await open({ automatic: true });
  await Promise.all([call('a'), call('a')]);
  const both = await Promise.all([call('b', 'k'), call('b', 'k')]);
  expect(rung).toEqual(['a', 'a', 'b']);
  expect(both.map(({ value }) => value)).toEqual([{ heard: 'b 3' }, { heard: 'b 3' }]);
});

test('what is kept with the key is in the journal and in no frame', async () => {
  const { journal, call } = await open({ automatic: true });
  await call('secret', 'k');
  const record = journal.records.at(-1);
  expect(record?.line).toContain('"done":{"echo":"secret 1"}');
  expect(record?.frame).not.toContain('secret');
});

test('capabilities hear that a connection is gone, and at the start that none is there', async () => {
  const { journal, kernel } = await open();
  const left = kernel.connections.opened('c1', async () => ({ ok: true, result: 1 }));
  expect(await kernel.connections.ask('c1', { op: 'x', input: {} }, 1_000)).toEqual({ ok: true, result: 1 });
  left();
  left();
  journal.commit();
  expect(await kernel.connections.ask('c1', { op: 'x', input: {} }, 1_000)).toMatchObject({ ok: false, code: 'gone' });
  expect(journal.records.map(({ event }) => [event.type, event.subject])).toEqual([
    ['line_cut', 'all'],
    ['line_cut', 'c1'],
  ]);
});
