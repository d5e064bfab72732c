import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { FOLDS } from '../../src/client/folds.ts';
import { type Change, createClient, type Replica } from '../../src/client/node.ts';
import { Refusal } from '../../src/kernel/errors.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { type Json, type TestNode, testNode } from '../support/node.ts';
import { openProxy } from '../support/proxy.ts';
import { entitiesOf, expectSame, type Shown, shownTo } from '../support/replicas.ts';

const AGENTS = ['ada', 'kai', 'link'] as const;
const who = fc.constantFrom(...AGENTS);
const nth = fc.nat({ max: 12 });
const text = fc.constantFrom('hello', '@kai look', '@ada @link', 'x'.repeat(2_000), '<b>');

/** Something that somebody does; `nth` points at what there is. */
const act = fc.oneof(
  fc.record({ op: fc.constant('messages.send'), by: who, content: text, channel: fc.constantFrom('general', 'den') }),
  fc.record({ op: fc.constant('messages.send'), by: who, content: text, to: who }),
  fc.record({ op: fc.constant('messages.send'), by: who, content: text, thread: nth }),
  fc.record({
    op: fc.constantFrom('messages.react', 'messages.edit', 'messages.delete'),
    by: who,
    message: nth,
    content: text,
  }),
  fc.record({ op: fc.constantFrom('channels.archive', 'channels.unarchive'), by: who }),
  fc.record({
    op: fc.constant('tasks.create'),
    by: who,
    blockers: fc.array(nth, { maxLength: 2 }),
    parent: fc.option(nth),
  }),
  fc.record({
    op: fc.constantFrom(
      'tasks.claim',
      'tasks.release',
      'tasks.complete',
      'tasks.fail',
      'tasks.delete',
      'tasks.heartbeat',
    ),
    by: who,
    task: nth,
  }),
  fc.record({
    op: fc.constant('tasks.update'),
    by: who,
    task: nth,
    status: fc.constantFrom('todo', 'done', 'cancelled', 'blocked'),
    blockers: fc.array(nth, { maxLength: 2 }),
  }),
  fc.record({ op: fc.constant('tasks.comment'), by: who, task: nth, content: text }),
  fc.record({ op: fc.constant('tasks.next'), by: who }),
  fc.record({ op: fc.constant('presence.declare'), by: who, status: fc.constantFrom('idle', 'working', 'offline') }),
  fc.record({ op: fc.constant('agents.register'), by: who, role: fc.string({ minLength: 1 }) }),
  fc.record({ op: fc.constant('workflows.save'), by: who }),
  fc.record({ op: fc.constantFrom('workflows.start', 'workflows.delete'), by: who }),
  fc.record({ op: fc.constant('recurring.create'), by: who }),
  fc.record({
    op: fc.constantFrom('recurring.update', 'recurring.delete'),
    by: who,
    recurring: nth,
    paused: fc.boolean(),
  }),
  fc.record({ op: fc.constant('reservations.reserve'), by: who, path: fc.constantFrom('src/**', 'docs/*.md', 'a.ts') }),
  fc.record({ op: fc.constantFrom('reservations.release', 'reservations.renew'), by: who, reservation: nth }),
  fc.record({
    op: fc.constantFrom('memories.write'),
    by: who,
    content: text,
    scope: fc.constantFrom('team', 'agent'),
    key: fc.constantFrom('k', 'l'),
  }),
  fc.record({ op: fc.constant('memories.delete'), by: who, memory: nth }),
  fc.record({ op: fc.constant('inbox.ack'), by: who }),
);

/** Something of each kind, so that there is something to change. */
const BEFORE = [
  { op: 'messages.send', by: 'kai', content: 'hello', channel: 'den' },
  { op: 'tasks.create', by: 'kai' },
  { op: 'workflows.save', by: 'kai' },
  { op: 'recurring.create', by: 'kai' },
  { op: 'reservations.reserve', by: 'kai', path: 'b.ts' },
  { op: 'memories.write', by: 'kai', content: 'kept', scope: 'team', key: 'k' },
];

/** Ids of what was made, by kind. */
type Ids = Record<'messages' | 'tasks' | 'recurring' | 'reservations' | 'memories', string[]> & { claims: Json[] };

function inputOf(each: Json, ids: Ids): Record<string, unknown> {
  const {
    op,
    by,
    nth: _,
    thread,
    message,
    task,
    blockers,
    parent,
    recurring,
    reservation,
    memory,
    path,
    ...rest
  } = each;
  const at = (list: string[], n: number) => list[n % Math.max(1, list.length)] ?? 'none';
  const claim = ids.claims.findLast((one) => one.task === at(ids.tasks, task ?? 0));
  return {
    ...rest,
    ...(thread !== undefined && { threadId: at(ids.messages, thread) }),
    ...(message !== undefined && { id: at(ids.messages, message), emoji: '👍' }),
    ...(task !== undefined && { id: at(ids.tasks, task), claim: claim?.id, reason: 'red' }),
    ...(blockers !== undefined && { blocked_by: blockers.map((n: number) => at(ids.tasks, n)) }),
    ...(parent != null && { parent: at(ids.tasks, parent) }),
    ...(op === 'tasks.create' && { title: 'work' }),
    ...(op === 'tasks.next' && { claim: true, ttl: 60 }),
    ...(op.startsWith('channels.') && { channel: 'den' }),
    ...(op === 'agents.register' && { name: by }),
    ...(op === 'inbox.ack' && { all: true }),
    ...(op.startsWith('workflows.') && {
      name: 'ship',
      tasks: [
        { key: 'a', title: 'a' },
        { key: 'b', title: 'b', blocked_by: ['a'] },
      ],
    }),
    ...(op === 'recurring.create' && { title: 'again', every: '1h' }),
    ...(recurring !== undefined && { id: at(ids.recurring, recurring) }),
    ...(path !== undefined && { paths: [path], ttl: 60 }),
    ...(reservation !== undefined && { id: at(ids.reservations, reservation) }),
    ...(memory !== undefined && { id: at(ids.memories, memory) }),
  };
}

/** Does it; a refusal is an outcome like any other. Answers whether it was done. */
async function perform({ node }: TestNode, each: Json, ids: Ids): Promise<boolean> {
  try {
    const { value } = await node.kernel.call(each.op, inputOf(each, ids), { agent: each.by });
    const { message, task, recurring, reservation, memory, claim } = value as Json;
    for (const [list, one] of [
      [ids.messages, message],
      [ids.tasks, task],
      [ids.recurring, recurring],
      [ids.reservations, reservation],
      [ids.memories, memory],
    ] as const)
      if (one?.id !== undefined && !list.includes(one.id)) list.push(one.id);
    if (claim?.id !== undefined) ids.claims.push({ ...claim, task: task?.id });
    return true;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

const LIVE = ['agents', 'channels', 'tasks', 'presences', 'workflows', 'recurring', 'reservations', 'tools'] as const;

/** What the server holds, as one agent may see it; of what is history, what a replica that begins now has. */
function shownBy({ node }: TestNode, fresh: Replica, agent: string): Shown {
  const live = LIVE.map((name) => {
    const entities = [...node.kernel.collection<Json>(name).values()];
    return [name, Object.fromEntries(entities.map((each) => [each.id ?? each.name ?? each.agent, each]))];
  });
  const windows = entitiesOf(Object.entries(fresh.collections));
  const { messages = {}, memories = {} } = windows;
  return { ...shownTo(JSON.parse(JSON.stringify(Object.fromEntries(live))), agent), messages, memories };
}

test('whatever is done, a replica holds what the server holds, as far as its agent may see it', {
  timeout: 120_000,
}, async () => {
  const done = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.array(act, { minLength: 40, maxLength: 120, size: 'max' }),
      fc.nat({ max: 79 }),
      async (acts, begin) => {
        await using server = await testNode();
        const ids: Ids = { messages: [], tasks: [], recurring: [], reservations: [], memories: [], claims: [] };
        const clients = AGENTS.map((agent) => createClient({ url: server.url, agent }));
        const replicas: Replica[] = [];
        for (const each of BEFORE) await perform(server, each, ids);
        for (const [i, each] of acts.entries()) {
          // Some begin in the midst of it.
          if (i === begin % acts.length) for (const client of clients) replicas.push(client.replica());
          if (await perform(server, each, ids)) done.add(each.op);
        }
        // What everybody sees comes last.
        const { seq } = await (clients[0] as (typeof clients)[0]).call('channels.create', { id: 'last', name: 'last' });
        const fresh = clients.map((client) => client.replica());
        await Promise.all(fresh.map(({ ready }) => ready));
        await Promise.all(replicas.map((replica) => replica.reached(seq)));
        // The server goes on by itself: whoever comes and goes is present or not.
        for (const [i, agent] of AGENTS.entries())
          await vi.waitFor(
            () => {
              const held = entitiesOf(Object.entries((replicas[i] as Replica).collections));
              const there = shownBy(server, fresh[i] as Replica, agent);
              for (const name of ['messages', 'memories'] as const) keepLiving(held, there, name);
              // Others may have spoken in private first.
              expectSame(held, there, new Set(AGENTS.filter((name) => name !== agent)));
            },
            { timeout: 15_000, interval: 20 },
          );
        await Promise.all([...replicas, ...fresh].map((replica) => replica.close()));
      },
    ),
    { numRuns: 10 },
  );
  // The test would say nothing of what was never done.
  expect(done.size).toBeGreaterThan(20);
});

/** A replica that begins now has no tombstones and no notes; what both hold is the same. */
function keepLiving(held: Shown, fresh: Shown, name: 'messages' | 'memories'): void {
  const common = Object.entries(held[name] ?? {}).filter(([id]) => fresh[name]?.[id] !== undefined);
  held[name] = Object.fromEntries(common);
}

test('it has a fold for each collection of a snapshot, in the order of the capabilities', async () => {
  await using server = await testNode();
  const { state } = await server.node.kernel.snapshot('kai');
  // What an agent has not read hangs on all that was ever said to it: that is asked, `inbox.unread`.
  const folded = Object.keys(state).filter((name) => name !== 'inboxes');
  expect(FOLDS.map(({ keeps }) => keeps)).toEqual(folded);
});

/** A post to a channel that is new: two events of one command. */
const posted = (content: string, channel = 'den') => ({ content, channel });

test('a listener is told of whole commands, and of what changed', async () => {
  await using server = await testNode();
  const ada = createClient({ url: server.url, agent: 'ada' });
  await ada.tasks.create({ title: 'first' });
  await using replica = ada.replica();
  await replica.ready;
  const changes: Change[] = [];
  const forget = replica.onChange((change) => changes.push(change));
  const { seq, result } = await ada.call('messages.send', posted('hello'));
  await replica.reached(seq);
  expect(replica.collections.messages.get(result.message.id)?.content).toBe('hello');
  const change = changes.find(({ events }) => events.some(({ type }) => type === 'message_posted')) as Change;
  expect(change.events.map(({ type }) => type)).toEqual(['channel_created', 'message_posted']);
  expect(change).toMatchObject({ reset: false, seq });
  expect([...change.changed].map(([name, ids]) => [name, [...ids]])).toEqual([
    ['channels', ['den']],
    ['messages', [result.message.id]],
  ]);
  forget();
  const { length } = changes;
  await replica.reached((await ada.call('messages.send', posted('again'))).seq);
  expect(changes).toHaveLength(length);
});

test('it holds the collections that were asked for, and of messages the newest', async () => {
  await using server = await testNode();
  const ada = createClient({ url: server.url, agent: 'ada' });
  for (let i = 0; i < 4; i++) await server.post('ada', `${i}`);
  await using replica = ada.replica({ collections: ['messages', 'channels'], window: 3 });
  await replica.ready;
  const said = () => [...replica.collections.messages.values()].map(({ content }) => content);
  expect(said()).toEqual(['1', '2', '3']);
  await replica.reached((await ada.call('messages.send', { content: '4' })).seq);
  expect(said()).toEqual(['2', '3', '4']);
  expect(replica.collections.channels.get('general')?.count).toBe(5);
  expect(Object.keys(replica.collections)).toEqual(['channels', 'messages']);
});

test('it goes on over a restart, and begins anew where another journal is behind the address', async () => {
  using dir = temporaryDirectory();
  await using proxy = await openProxy();
  const env = { ALLOWED_HOSTS: `127.0.0.1:${proxy.port}` };
  const ada = createClient({ url: proxy.url, agent: 'ada', retry: { tries: 100, firstMs: 5, mostMs: 40 } });
  const changes: Change[] = [];
  await using replica = ada.replica();
  replica.onChange((change) => changes.push(change));
  const titles = () => [...replica.collections.tasks.values()].map(({ title }) => title);
  const create = async (title: string) => replica.reached((await ada.call('tasks.create', { title })).seq);
  for (const title of ['before', 'after']) {
    await using server = await testNode({ dir: dir.path, env });
    proxy.target = server.port;
    await create(title);
  }
  expect(titles()).toEqual(['before', 'after']);
  expect(changes.filter(({ reset }) => reset)).toHaveLength(1);
  await using other = await testNode({ env });
  proxy.target = other.port;
  await expect.poll(() => changes.filter(({ reset }) => reset).length, { timeout: 15_000 }).toBe(2);
  await create('elsewhere');
  expect(titles()).toEqual(['elsewhere']);
});

test('what the server refuses is told to all who wait, and so is that it was closed', async () => {
  await using server = await testNode();
  const nobody = createClient({ url: server.url, agent: 'a b' }).replica();
  await expect(nobody.ready).rejects.toMatchObject({ code: 'invalid_input' });
  await expect(nobody.ended).rejects.toMatchObject({ code: 'invalid_input' });
  await expect(nobody.reached(1)).rejects.toMatchObject({ code: 'invalid_input' });
  const replica = createClient({ url: server.url, agent: 'ada' }).replica();
  await replica.ready;
  const never = replica.reached(1_000_000);
  never.catch(() => {});
  await replica.close();
  await expect(never).rejects.toThrow('closed');
  await replica.ended;
});
