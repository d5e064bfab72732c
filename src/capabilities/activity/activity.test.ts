import { afterAll, describe, expect, test } from 'vitest';
import { given, type Past, type Scene, T0 } from '../../../tests/support/given.ts';
import type { Json } from '../../../tests/support/node.ts';
import type { IndexView } from '../../kernel/capability.ts';
import { matcher } from '../../kernel/feed/filter.ts';
import { createStatements } from '../../store/schema.ts';
import { openDatabase } from '../../store/sqlite.ts';
import { agents } from '../agents/index.ts';
import { channels } from '../channels/index.ts';
import { inbox } from '../inbox/index.ts';
import { messages } from '../messages/index.ts';
import { tasks } from '../tasks/index.ts';
import { activity } from './index.ts';
import { ask, type Statement, statementOf } from './places.ts';

const table = [agents, channels, inbox, tasks, messages, activity];

const posted = (id: string, from: string, more: object = {}): Past => ({
  type: 'message_posted',
  subject: id,
  actor: from,
  data: { id, from, content: `said in ${id}`, timestamp: 0, channel: 'general', reactions: {}, ...more },
});
const direct = (id: string, from: string, to: string): Past =>
  posted(id, from, { to, channel: `dm:${[from, to].sort().join(':')}` });
const reacted = (id: string, agent: string, channel = 'general'): Past => ({
  type: 'message_reacted',
  subject: id,
  actor: agent,
  data: { id, channel, emoji: '👍', agent, added: true },
});
const edited = (id: string, from: string, content: string): Past => ({
  type: 'message_edited',
  subject: id,
  actor: from,
  data: { id, channel: 'general', from, content },
});
const deleted = (id: string, from: string): Past => ({
  type: 'message_deleted',
  subject: id,
  actor: from,
  data: { id, channel: 'general', from },
});
const created = (id: string, actor: string, more: object = {}): Past => ({
  type: 'task_created',
  subject: id,
  actor,
  data: { id, title: `do ${id}`, status: 'todo', createdBy: actor, createdAt: 0, updatedAt: 0, ...more },
});
const subscribed = (agent: string): Past => ({
  type: 'inbox_subscribed',
  subject: agent,
  actor: agent,
  data: { agent, channels: ['dev'] },
});

/** A scene in which messages and tasks are as old as their events, one a millisecond, unless they say it. */
function happened(...past: Past[]): Scene {
  const own = past.map(({ data, ...event }, i) => ({
    ...event,
    data: Object.fromEntries(
      Object.entries(data).map(([name, value]) => [
        name,
        value === 0 && /^(?:timestamp|createdAt|updatedAt)$/.test(name) ? T0 + i : value,
      ]),
    ),
  }));
  return given(table, ...own);
}

const activityOf = (scene: Scene, input: object = {}, reader?: string): Promise<Json> =>
  scene.asks('activity.list', { ...input }, reader);

/** The seqs of what is shown, in the order shown. */
async function seqs(scene: Scene, input: object = {}, reader?: string): Promise<number[]> {
  const { events, count } = await activityOf(scene, input, reader);
  expect(count).toBe(events.length);
  return events.map(({ id }: { id: string }) => Number(id.replace('test-', '')));
}

describe('what is shown', () => {
  test('is every event as it is, newest first, with its cursor as id and the time at which it happened', async () => {
    const scene = happened(posted('m1', 'link'), created('t1', 'kai'), reacted('m1', 'kai'));

    const { events, ...rest } = await activityOf(scene);

    expect(rest).toEqual({ count: 3 });
    expect(events).toEqual([
      {
        id: 'test-3',
        type: 'message_reacted',
        timestamp: T0 + 2,
        actor: 'kai',
        subject: 'm1',
        data: scene.events[2]?.data,
      },
      {
        id: 'test-2',
        type: 'task_created',
        timestamp: T0 + 1,
        actor: 'kai',
        subject: 't1',
        data: scene.events[1]?.data,
      },
      {
        id: 'test-1',
        type: 'message_posted',
        timestamp: T0,
        actor: 'link',
        subject: 'm1',
        data: { ...scene.events[0]?.data, reactions: { '👍': ['kai'] }, seq: 1 },
      },
    ]);
  });

  test('of a message that was edited is what it says now, and of the edit that it was made', async () => {
    const scene = happened(posted('m1', 'link'), edited('m1', 'link', 'first'), edited('m1', 'link', 'second'));

    const { events } = await activityOf(scene);

    expect(events[2].data).toMatchObject({ content: 'second', editedAt: T0 + 2 });
    expect(events[1].data).toEqual({ id: 'm1', channel: 'general', from: 'link' });
    expect(JSON.stringify(events)).not.toMatch(/said in m1|first/);
  });

  test('of a message that was deleted is that it was there, and nothing that it said', async () => {
    const more = { metadata: { secret: 1 }, attachments: [{ name: 'secret' }] };
    const scene = happened(
      posted('m1', 'link', { content: 'secret', ...more }),
      edited('m1', 'link', 'secret too'),
      deleted('m1', 'link'),
    );

    const { events } = await activityOf(scene);

    expect(events.map(({ type }: Json) => type)).toEqual(['message_deleted', 'message_edited', 'message_posted']);
    expect(events[2].data).toMatchObject({ id: 'm1', from: 'link', content: '', deletedAt: T0 + 2 });
    expect(JSON.stringify(events)).not.toContain('secret');
  });

  test('of what was imported stands at its own time', async () => {
    const scene = happened(
      posted('m1', 'link'),
      created('t1', 'kai', { createdAt: 7 }),
      posted('m2', 'kai', { timestamp: 9 }),
      { type: 'channel_created', actor: 'kai', data: { channel: 'lab', name: 'lab', createdAt: 5 } },
      posted('m3', 'link'),
    );

    const { events } = await activityOf(scene);

    expect(events.map(({ timestamp }: Json) => timestamp)).toEqual([T0 + 4, T0, 9, 7, 5]);
    expect(await seqs(scene, { since: 7 })).toEqual([5, 1, 3, 2]);
    for (const cursor of [5, 1, 3, 2, 4])
      expect(await seqs(scene, { cursor: `test-${cursor}` })).toEqual(
        [5, 1, 3, 2, 4].slice([5, 1, 3, 2, 4].indexOf(cursor) + 1),
      );
  });

  test('of what happened at the same time stands by seq, wherever it is kept', async () => {
    const scene = happened(
      posted('m1', 'kai', { timestamp: 7 }),
      posted('m2', 'kai', { timestamp: 7 }),
      created('t1', 'kai', { createdAt: 7 }),
      posted('m3', 'kai', { timestamp: 7 }),
    );

    expect(await seqs(scene, { limit: 1 })).toEqual([4]);
    expect(await seqs(scene, { limit: 1, cursor: 'test-4' })).toEqual([3]);
    expect(await seqs(scene, { limit: 1, cursor: 'test-3' })).toEqual([2]);
  });

  test('can be made short: fields that are asked for, text cut, what is empty left out', async () => {
    const content = 'x'.repeat(1_000);
    const scene = happened(
      posted('m1', 'link', { content, metadata: { a: 1 }, attachments: [{ name: 'log' }] }),
      created('t1', 'kai', { description: content, tags: [], metadata: { a: 1 } }),
    );

    const { events } = await activityOf(scene, { compact: true });

    expect(events[1].data).toEqual({
      id: 'm1',
      from: 'link',
      content: `${'x'.repeat(280)}…`,
      timestamp: T0,
      channel: 'general',
      seq: 1,
    });
    expect(events[0].data).toMatchObject({ title: 'do t1', description: `${'x'.repeat(280)}…` });
    expect(events[0].data).not.toHaveProperty('tags');
    expect(events[0].data).not.toHaveProperty('metadata');
    expect((await activityOf(scene, { fields: 'id,type' })).events).toEqual([
      { id: 'test-2', type: 'task_created' },
      { id: 'test-1', type: 'message_posted' },
    ]);
  });
});

test('a post is kept among the messages alone, and every other event once', () => {
  const scene = happened(posted('m1', 'link'), edited('m1', 'link', 'x'), created('t1', 'kai'), subscribed('kai'));
  expect(scene.all('activity').map(({ seq }) => seq)).toEqual([2, 3, 4]);
});

describe('a filter', () => {
  const scene = happened(
    posted('m1', 'link'),
    posted('m2', 'kai', { to: 'link', channel: 'dev' }),
    created('t1', 'kai', { assignee: 'link', channel: 'dev' }),
    reacted('m1', 'link'),
    { type: 'task_deleted', actor: 'system', data: { id: 't1', title: 'do t1' } },
    posted('m3', 'link', { channel: 'task:t1' }),
    { type: 'channel_created', actor: 'anonymous', data: { channel: 'ops', name: 'ops' } },
    posted('m4', 'system', { channel: 'task:t1' }),
  );

  test.each([
    ['by agent shows what the agent did, and not what was done for it', { agent: 'link' }, [6, 4, 1]],
    ['by agent shows what the server did', { agent: 'system' }, [8, 5]],
    ['by agent shows what was done by who did not say its name', { agent: 'anonymous' }, [7]],
    ['by an agent who did nothing shows nothing', { agent: 'pixel' }, []],
    ['by type shows events of this type', { type: 'message_reacted' }, [4]],
    ['by several types shows events of each', { type: 'task_created,message_posted' }, [8, 6, 3, 2, 1]],
    ['by types may come as a list', { type: ['task_created', 'task_deleted'] }, [5, 3]],
    ['by the beginning of types shows all of them', { type: 'task_*,channel_*' }, [7, 5, 3]],
    ['by the beginning of every type shows everything', { type: '*' }, [8, 7, 6, 5, 4, 3, 2, 1]],
    ['by no type at all shows everything', { type: '' }, [8, 7, 6, 5, 4, 3, 2, 1]],
    ['by a type that nothing has shows nothing', { type: 'task_create' }, []],
    ['by channel shows what is said and done there', { channel: 'general' }, [4, 1]],
    ['by channel shows what belongs there', { channel: 'dev' }, [3, 2]],
    ['by channel shows the thread of a task', { channel: 'task:t1' }, [8, 6]],
    ['by channel and type shows what is both', { channel: 'dev', type: 'task_*' }, [3]],
    ['by channel and agent shows what is both', { channel: 'general', agent: 'link' }, [4, 1]],
    [
      'by channel, agent and type shows what is all',
      { channel: 'general', agent: 'link', type: 'message_posted' },
      [1],
    ],
    ['by agent and type shows what is both', { agent: 'kai', type: 'task_*' }, [3]],
    ['by time shows what is not older', { since: T0 + 4 }, [8, 7, 6, 5]],
    ['by time and agent shows what is both', { since: T0 + 3, agent: 'link' }, [6, 4]],
  ])('%s', async (_, input, expected) => {
    expect(await seqs(scene, input)).toEqual(expected);
    expect(await seqs(scene, input, 'link')).toEqual(expected);
  });

  test.each([{ agent: '-x' }, { channel: '-x' }, { since: -1 }, { type: 'a b' }, { limit: 0 }, { cursor: 'x y' }])(
    'of %j is refused',
    async (input) => {
      await expect(activityOf(scene, input)).rejects.toMatchObject({
        code: 'cursor' in input ? 'invalid_cursor' : 'invalid_input',
      });
    },
  );
});

describe('what is private', () => {
  const scene = happened(
    { type: 'channel_created', actor: 'ada', subject: 'dm:ada:bob', data: { channel: 'dm:ada:bob', name: 'x' } },
    direct('m1', 'ada', 'bob'),
    reacted('m1', 'bob', 'dm:ada:bob'),
    subscribed('ada'),
    direct('m2', 'bob', 'cyd'),
    direct('m3', 'ada', 'ada'),
    reacted('m3', 'ada', 'dm:ada:ada'),
    posted('m4', 'ada'),
  );

  test.each([
    [undefined, [8]],
    ['mallory', [8]],
    ['ada', [8, 7, 6, 4, 3, 2, 1]],
    ['bob', [8, 5, 3, 2, 1]],
    ['cyd', [8, 5]],
  ])('is shown to its readers alone; to %s', async (reader, expected) => {
    expect(await seqs(scene, {}, reader)).toEqual(expected);
    expect(await seqs(scene, { type: '*' }, reader)).toEqual(expected);
    expect(await seqs(scene, { since: T0 }, reader)).toEqual(expected);
  });

  test.each([
    [undefined, { agent: 'ada' }, [8]],
    ['mallory', { agent: 'ada' }, [8]],
    ['bob', { agent: 'ada' }, [8, 2, 1]],
    ['ada', { agent: 'ada' }, [8, 7, 6, 4, 2, 1]],
    ['ada', { agent: 'bob' }, [3]],
    ['cyd', { agent: 'bob' }, [5]],
    ['mallory', { agent: 'bob' }, []],
    ['mallory', { type: 'inbox_*' }, []],
    ['ada', { type: 'inbox_*' }, [4]],
    ['mallory', { type: 'message_reacted' }, []],
    ['bob', { type: 'message_*' }, [8, 5, 3, 2]],
    ['bob', { agent: 'ada', type: 'message_posted' }, [8, 2]],
    ['bob', { channel: 'dm:ada:bob' }, [3, 2, 1]],
    ['bob', { channel: 'dm:ada:bob', agent: 'ada' }, [2, 1]],
  ])('is shown to %s, who asks for %j, as far as it may read it', async (reader, input, expected) => {
    expect(await seqs(scene, input, reader)).toEqual(expected);
  });

  test('is private in a public channel too', async () => {
    const { data, ...event } = subscribed('ada');
    const there = happened(posted('m1', 'link'), { ...event, data: { ...data, channel: 'general' } });
    expect(await seqs(there, { channel: 'general' }, 'mallory')).toEqual([1]);
    expect(await seqs(there, { channel: 'general', agent: 'ada' })).toEqual([]);
    expect(await seqs(there, { channel: 'general' }, 'ada')).toEqual([2, 1]);
  });

  test.each([undefined, 'mallory'])('is refused to %s, who asks for its channel', async (reader) => {
    for (const input of [{}, { agent: 'ada' }, { type: '*' }])
      await expect(activityOf(scene, { channel: 'dm:ada:bob', ...input }, reader)).rejects.toMatchObject({
        code: 'not_a_party',
      });
  });
});

describe('a page', () => {
  const scene = happened(
    ...Array.from({ length: 10 }, (_, i) => (i % 3 ? posted(`m${i}`, 'link') : created(`t${i}`, 'kai'))),
  );

  test.each([1, 2, 3, 7, 10, 11])('of %i goes on where the last one ended, until there is no more', async (limit) => {
    const shown: number[] = [];
    let cursor: string | undefined;
    do {
      const answer = await activityOf(scene, { limit, ...(cursor !== undefined && { cursor }) });
      shown.push(...answer.events.map(({ id }: Json) => Number(id.slice('test-'.length))));
      expect(answer.events.length).toBeLessThanOrEqual(limit);
      expect(answer.more).toBe(answer.cursor === undefined ? undefined : true);
      cursor = answer.cursor;
    } while (cursor !== undefined);
    expect(shown).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  });

  test('holds 100 unless said, and never more than 1000', async () => {
    const many = happened(...Array.from({ length: 1_002 }, (_, i) => reacted(`m${i}`, 'kai')));
    expect((await activityOf(many)).count).toBe(100);
    expect((await activityOf(many, { limit: 5_000 })).count).toBe(1_000);
  });

  test('may begin at any event', async () => {
    expect(await seqs(scene, { cursor: '4' })).toEqual([3, 2, 1]);
    expect(await seqs(scene, { cursor: '0' })).toEqual([]);
  });

  test('cannot begin in another epoch, or at an event that is not there', async () => {
    for (const cursor of ['epochs-3', 'test-11'])
      await expect(activityOf(scene, { cursor })).rejects.toMatchObject({ code: 'cursor_gone' });
  });

  test('ends at its cap of bytes, whatever its limit, and goes on after it', async () => {
    const large = happened(
      ...Array.from({ length: 12 }, (_, i) => posted(`m${i}`, 'link', { content: 'x'.repeat(150_000) })),
    );
    const first = await activityOf(large);
    expect(first).toMatchObject({ count: 6, more: true, cursor: 'test-7' });
    expect(await seqs(large, { cursor: first.cursor })).toEqual([6, 5, 4, 3, 2, 1]);
    expect((await activityOf(large, { compact: true })).count).toBe(12);
  });
});

describe('a page is walked to in the index', () => {
  const database = openDatabase(':memory:');
  database.exec(createStatements(table.flatMap(({ collections }) => collections)));
  afterAll(() => database.close());

  /** How SQLite looks into tables. */
  function planOf({ sql, params }: Statement): string[] {
    const steps = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...params) as { detail: string }[];
    return steps.map(({ detail }) => detail).filter((detail) => /^(?:SCAN (?!found)|SEARCH|USE)/.test(detail));
  }

  /** All of the index is used, and it is in the order of the page. */
  function throughAllOf(index: string): string {
    const [row] = database.prepare('SELECT tbl_name, sql FROM sqlite_schema WHERE name = ?').all(index) as Json[];
    const [, columns = ''] = /\((.*), ts\)/.exec(row.sql) ?? [];
    const equal = columns.split(', ').map((column) => `${column}=?`);
    return `SEARCH ${row.tbl_name} USING INDEX ${index} (${equal.join(' AND ')} AND ts>? AND (ts,rowid)<(?,?))`;
  }

  const cases = [undefined, 'link', 'kai'].flatMap((agent) =>
    [undefined, 'general'].flatMap((channel) =>
      [[], ['task_*']].flatMap((types) => [undefined, 'kai'].map((reader) => ({ agent, channel, types, reader }))),
    ),
  );

  test.each(cases)('for agent $agent, channel $channel, types $types, asked by $reader', (asked) => {
    const { agent, channel, types, reader } = asked;
    const plans: string[] = [];
    const view: IndexView = {
      seq: 9,
      all: <R>(sql: string, ...params: (string | number | null)[]) => {
        plans.push(...planOf({ sql, params: params as (string | number)[] }));
        return [{ type: 'task_created' }, { type: 'message_reacted' }] as R[];
      },
    };

    const question = ask(view, { agent, channel, wants: matcher(types), since: 5 }, reader, 7, 10);

    for (const plan of plans)
      expect(plan).toMatch(/^SEARCH \w+ USING (?:INDEX activity_by_\w+ \(.*\w=\?|INTEGER PRIMARY KEY \(rowid=)/);
    expect(question.walks.length).toBeGreaterThan(0);
    for (const walk of question.walks) expect(planOf(statementOf(walk, question))).toEqual([throughAllOf(walk.index)]);
  });
});
