import fc from 'fast-check';
import { expect, test } from 'vitest';
import { capabilities } from '../../src/capabilities/index.ts';
import type { Capability } from '../../src/kernel/capability.ts';
import { LiveCollection } from '../../src/kernel/collection.ts';
import type { Draft, Event } from '../../src/kernel/event.ts';
import { compileFilter } from '../../src/kernel/feed/filter.ts';
import { Table } from '../../src/kernel/table.ts';

const all: readonly Capability[] = capabilities;
const AGENTS = ['ann', 'bob', 'Bob', 'k.', 'zo'];
const CHANNELS = ['general', 'dev', 'dm:ann:bob', 'task:t1'];
const IDS = ['m1', 'm2', 'm3'];

const agent = fc.constantFrom(...AGENTS);
const channel = fc.constantFrom(...CHANNELS);
const some = fc.option(agent, { nil: undefined });
const content = fc
  .array(
    fc.oneof(
      agent.map((name) => `@${name}`),
      fc.constantFrom('@BOB.-', 'x@ann', '@@k..', '@k.-x', 'plain', '.', '-', '@\u212a'),
    ),
    {
      maxLength: 4,
    },
  )
  .chain((words) => fc.constantFrom('', ' ').map((between) => words.join(between)));

/** An event of this type, whose data have these fields. */
function happening(type: string, subject: fc.Arbitrary<string>, fields: Record<string, fc.Arbitrary<unknown>>) {
  return fc.record({ type: fc.constant(type), actor: agent, subject, data: fc.record(fields) });
}

const id = fc.constantFrom(...IDS);
const task = { id: fc.constant('t1'), title: fc.constant('Mend it'), assignee: some };
const status = fc.constantFrom('todo', 'doing', 'validating', 'done');
const list = fc.uniqueArray(agent, { maxLength: 2 });
const reservation = { id: fc.constant('r1'), agent, paths: fc.constant(['src']), mode: fc.constant('exclusive') };
const happenings = fc.oneof(
  happening('message_posted', id, {
    id,
    from: agent,
    channel,
    content,
    timestamp: fc.constant(1),
    reactions: fc.constant({}),
    to: some,
    threadId: fc.option(id, { nil: undefined }),
    mentions: list,
    notify: list,
  }),
  happening('message_edited', id, { id, channel, from: agent, content }),
  happening('message_reacted', id, { id, channel, emoji: fc.constant('👍'), agent, added: fc.boolean() }),
  happening('channel_updated', channel, { channel, name: fc.constant('x') }),
  happening('inbox_subscribed', agent, { agent, channels: fc.uniqueArray(channel) }),
  happening('inbox_read', agent, { agent, upTo: fc.nat(9) }),
  happening('agent_updated', agent, { name: agent, changes: fc.constant({ kind: 'human' }) }),
  happening('loop_detected', channel, { channel, agents: fc.constant(['ann', 'bob']), seconds: fc.constant(60) }),
  happening('task_created', fc.constant('t1'), { ...task, status, createdBy: agent, reviewer: some, notify: list }),
  happening('task_updated', fc.constant('t1'), {
    ...task,
    status,
    notify: list,
    changes: fc.record({ status, reviewer: fc.option(agent) }, { requiredKeys: [] }),
  }),
  happening('task_assigned', fc.constant('t1'), task),
  happening('task_unblocked', fc.constant('t1'), task),
  happening('task_reviewed', fc.constant('t1'), task),
  happening('reservation_granted', fc.constant('r1'), { ...reservation, expiresAt: fc.constant(9e15) }),
  happening('reservation_released', fc.constant('r1'), reservation),
);

const filters = fc.record(
  {
    types: fc.uniqueArray(fc.constantFrom('message_*', 'message_posted', 'task_updated', 'inbox_*', '*'), {
      maxLength: 2,
    }),
    topics: fc.uniqueArray(fc.constantFrom('task', 'chat', 'nothing'), { maxLength: 1 }),
    channels: fc.uniqueArray(fc.constantFrom('dm:*', ...CHANNELS), { maxLength: 2 }),
    subjects: fc.uniqueArray(fc.constantFrom('t*', 't1', 'm1'), { maxLength: 2 }),
    actors: fc.uniqueArray(fc.constantFrom('a*', 'ann', 'bob'), { maxLength: 2 }),
    agent,
  },
  { requiredKeys: [] },
);

test('whoever waits for events is woken by each that matches', () => {
  let matched = 0;
  fc.assert(
    fc.property(
      fc.array(happenings, { minLength: 1, maxLength: 12 }),
      fc.array(filters, { maxLength: 6 }),
      (past, wanted) => {
        const specs = all.flatMap(({ collections }) => collections);
        const state = Object.fromEntries(
          specs.map((spec) => [
            spec.name,
            new LiveCollection(spec.name, { changes: [] }, spec.keep === 'memory' ? spec.orders : undefined),
          ]),
        );
        const table = new Table(all, state);
        const compiled = [...wanted, ...AGENTS.map((name) => ({ agent: name }))].map((each) =>
          compileFilter(each, (each as { agent?: string }).agent, table),
        );
        for (const [i, draft] of (past as (Draft & { actor: string })[]).entries()) {
          const event: Event = { seq: i + 1, at: i + 1, ...draft };
          const asked = compiled.map((filter) => filter.wakers());
          table.apply(event);
          const keys = table.wakes([{ event }]);
          const { type, actor, subject } = event;
          const at = typeof event.data.channel === 'string' ? event.data.channel : undefined;
          const shown = { type, actor, subject, channel: at, readers: table.readersOf(event), event };
          for (const [place, filter] of compiled.entries()) {
            if (!filter.matches(shown)) continue;
            matched++;
            expect(
              asked[place]?.some((key) => keys.has(key)),
              `${filter.key} ${JSON.stringify(event)}`,
            ).toBe(true);
          }
        }
      },
    ),
    { numRuns: 1_000 },
  );
  expect(matched).toBeGreaterThan(1_000);
});
