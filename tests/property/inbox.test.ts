import { rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Refusal } from '../../src/kernel/errors.ts';
import { type OpenedKernel, openKernel } from '../../src/node.ts';
import { temporaryDirectory } from '../support/directory.ts';
import type { Json } from '../support/node.ts';

const AGENTS = ['ada', 'bob', 'cyd'] as const;
/** bob is meant by it as well. */
const ALIAS = 'bee';
const CHANNELS = ['general', 'shipping', 'dev'] as const;
const DEFAULTS = ['general', 'decisions', 'problems', 'shipping'];
const MINUTE = 60_000;

/** Something that happened and may be in inboxes, with everything that a naive recount asks. */
interface Thing {
  seq: number;
  id: string;
  at: number;
  from: string;
  /** Those to whom it is addressed, and why. */
  to: Map<string, string>;
  channel?: string;
  root?: string;
  deleted?: true;
}

interface Reader {
  followed: string[];
  since: Map<string, number>;
  readUpTo: number;
  ackedUpTo: number;
  acked: Set<number>;
  /** Given to be acknowledged, until when. */
  given: Map<number, number>;
}

const agent = fc.constantFrom(...AGENTS);
const which = fc.nat({ max: 30 });
const act = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('post'),
      from: agent,
      channel: fc.constantFrom(...CHANNELS),
      content: fc.constantFrom(
        'hi',
        'hi',
        '@ada!',
        'ask @bob.',
        `hey @${ALIAS.toUpperCase()}`,
        'all: @channel',
        '@cyd @ada',
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('dm'), from: agent, to: fc.constantFrom(...AGENTS, ALIAS) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('reply'), from: agent, which }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('edit'), which, content: fc.constantFrom('new', '@ada') }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('delete'), which }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('read'),
      who: agent,
      limit: fc.constantFrom(1, 2, 100),
      priority: fc.constantFrom(undefined, undefined, 'high', 'medium', 'low'),
      how: fc.constantFrom('plain', 'plain', 'peek', 'explicit'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('ackIds'), who: agent, take: fc.array(which, { maxLength: 4 }) }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('ackAll'), who: agent }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('ackTime'), who: agent, which }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('ackCursor'), who: agent, which }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('follow'),
      who: agent,
      channels: fc.uniqueArray(fc.constantFrom(...CHANNELS)),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('task'),
      from: agent,
      what: fc.constantFrom('assign', 'unblock', 'review'),
      to: agent,
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('later'), minutes: fc.constantFrom(1, 6, 11) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('restart'), withoutIndex: fc.boolean() }) },
);
type Act = Record<string, Json>;

const post = (from: string, channel: string, content = 'hi') => ({ op: 'post', from, channel, content });
const read = (who: string, limit: number, how: string) => ({ op: 'read', who, limit, how });

/** Histories in which less than the truth was counted once, or something was lost. */
const HARD: Act[][] = [
  // What was posted before a channel was followed is deleted.
  [post('ada', 'dev'), { op: 'follow', who: 'bob', channels: ['dev'] }, post('ada', 'dev'), { op: 'delete', which: 0 }],
  // Something is acknowledged that was posted before its channel was followed.
  [post('ada', 'dev'), { op: 'follow', who: 'bob', channels: ['dev'] }, { op: 'ackIds', who: 'bob', take: [0] }],
  // A cursor is acknowledged while what comes after it is given to be acknowledged.
  [
    { op: 'dm', from: 'ada', to: 'bob' },
    { op: 'dm', from: 'ada', to: 'bob' },
    read('bob', 100, 'explicit'),
    { op: 'ackCursor', who: 'bob', which: 5 },
  ],
  // What is deleted is acknowledged.
  [post('ada', 'general'), { op: 'delete', which: 0 }, { op: 'ackIds', who: 'bob', take: [] }, post('ada', 'general')],
  // A time is acknowledged, and a task came after it.
  [
    post('ada', 'general'),
    { op: 'later', minutes: 1 },
    { op: 'task', from: 'ada', what: 'assign', to: 'bob' },
    { op: 'ackTime', who: 'bob', which: 0 },
  ],
];

const RANK: Record<string, number> = {
  dm: 0,
  mention: 0,
  assigned: 0,
  unblocked: 0,
  review: 0,
  thread: 1,
  subscribed: 1,
  general: 2,
};
const PRIORITIES = ['high', 'medium', 'low'];

class World {
  readonly things: Thing[] = [];
  readonly readers = new Map<string, Reader>(
    AGENTS.map((name) => [
      name,
      { followed: DEFAULTS, since: new Map(), readUpTo: 0, ackedUpTo: 0, acked: new Set(), given: new Map() },
    ]),
  );
  readonly #dir: string;
  #time = Date.UTC(2026, 5, 1);
  #node: OpenedKernel | undefined;

  constructor(dir: string) {
    this.#dir = dir;
  }

  get #kernel() {
    if (this.#node === undefined) throw new Error('it is not open');
    return this.#node.kernel;
  }

  async open(): Promise<void> {
    let n = 0;
    this.#node = await openKernel({
      config: { DATA_DIR: this.#dir, DURABILITY: { mode: 'always' }, SEGMENT_MIB: 1 },
      world: { clock: () => this.#time, random: (length) => `${this.head}x${n++}`.padEnd(length, '0') },
    });
  }

  async close(): Promise<void> {
    await this.#node?.close();
    this.#node = undefined;
  }

  get head(): number {
    return this.#node?.kernel.health().journal.head ?? 0;
  }

  async call(name: string, input: Json): Promise<Json> {
    try {
      return (await this.#kernel.call(name, input, {})).value;
    } catch (error) {
      if (error instanceof Refusal) return undefined;
      throw error;
    }
  }

  reader(name: string): Reader {
    return this.readers.get(name) as Reader;
  }

  /** What there is for an agent, oldest first, whatever became of it. */
  all(name: string): (Thing & { reason: string })[] {
    const { followed } = this.reader(name);
    return this.things.flatMap((thing) => {
      if (thing.deleted || thing.from === name) return [];
      const inChannel = thing.channel !== undefined && followed.includes(thing.channel);
      const reason =
        thing.to.get(name) ?? (inChannel ? (thing.channel === 'general' ? 'general' : 'subscribed') : undefined);
      return reason === undefined ? [] : [{ ...thing, reason }];
    });
  }

  /** The list as it should be. */
  listed(name: string): (Thing & { reason: string })[] {
    const { ackedUpTo, acked, given } = this.reader(name);
    return this.all(name)
      .filter(({ seq }) => seq > ackedUpTo && !acked.has(seq) && (given.get(seq) ?? 0) <= this.#time)
      .sort((a, b) => (RANK[a.reason] as number) - (RANK[b.reason] as number) || b.seq - a.seq);
  }

  /** What is unread, counted anew. */
  unread(name: string): { count: number; mentions: number } {
    const { readUpTo, acked, since } = this.reader(name);
    const those = this.all(name).filter(
      ({ seq, to, channel }) =>
        seq > readUpTo && !acked.has(seq) && (to.has(name) || seq > (since.get(channel as string) ?? 0)),
    );
    return { count: those.length, mentions: those.filter(({ reason }) => reason === 'mention').length };
  }

  posted(message: Json, to: Map<string, string>): void {
    const { seq, id, from, timestamp, channel, threadId } = message;
    to.delete(from);
    this.things.push({ seq, id, at: timestamp, from, to, channel, ...(threadId && { root: threadId }) });
  }

  /** Whom a text means, by a plain look. */
  named(content: string, channel: string): string[] {
    if (content.includes('@channel')) return AGENTS.filter((name) => this.reader(name).followed.includes(channel));
    return AGENTS.filter(
      (name) => content.toLowerCase().includes(`@${name}`) || (name === 'bob' && content.includes('@BEE')),
    );
  }

  async note(from: string, to: string, type: string, reason: string, name: string, input: Json): Promise<Json> {
    const before = this.head;
    const answer = await this.call(name, input);
    const { events } = await this.call('events.list', { after: String(before) });
    for (const event of events as Json[])
      if (event.type === type && from !== to)
        this.things.push({ seq: event.seq, id: `note-${event.seq}`, at: event.at, from, to: new Map([[to, reason]]) });
    return answer;
  }

  async perform({ op, ...more }: Act): Promise<void> {
    const messages = this.things.filter(({ channel }) => channel !== undefined);
    const target = messages[more.which % Math.max(1, messages.length)];
    switch (op) {
      case 'post': {
        const { from, channel, content } = more;
        const { message } = await this.call('messages.send', { from, channel, content });
        this.posted(message, new Map(this.named(content, channel).map((name) => [name, 'mention'])));
        break;
      }
      case 'dm': {
        const to = more.to === ALIAS ? 'bob' : more.to;
        const { message } = await this.call('messages.send', { from: more.from, to: more.to, content: 'hey @cyd' });
        this.posted(message, new Map([[to, 'dm']]));
        break;
      }
      case 'reply': {
        if (target === undefined) return;
        const root = target.root ?? target.id;
        const first = messages.find(({ id }) => id === root) as Thing;
        const speaking = messages.filter((each) => each === first || each.root === root).map(({ from }) => from);
        const answer = await this.call('messages.send', { from: more.from, threadId: target.id, content: 're' });
        const ends = first.channel?.startsWith('dm:') ? first.channel.split(':').slice(1) : undefined;
        expect(answer === undefined).toBe(target.deleted === true || (ends !== undefined && !ends.includes(more.from)));
        if (answer === undefined) return;
        const to = new Map(speaking.map((name) => [name, 'thread']));
        for (const end of ends ?? []) to.set(end, 'dm');
        this.posted(answer.message, to);
        break;
      }
      case 'edit':
        if (target) await this.call('messages.edit', { id: target.id, from: target.from, content: more.content });
        break;
      case 'delete':
        if (target && (await this.call('messages.delete', { id: target.id, from: target.from }))) target.deleted = true;
        break;
      case 'read':
        await this.read(more.who, more);
        break;
      case 'ackIds': {
        const there = this.all(more.who);
        const those = [...new Set(more.take.map((n: number) => there[n % Math.max(1, there.length)]))] as Thing[];
        const mine = those.filter((each) => each !== undefined);
        const foreign = this.things.find((each) => !there.some(({ seq }) => seq === each.seq));
        const messageIds = [...mine, ...(foreign ? [foreign] : [])].map(({ id }) => id);
        const { ackedUpTo, acked } = this.reader(more.who);
        const fresh = mine.filter(({ seq }) => seq > ackedUpTo && !acked.has(seq));
        const { count } = await this.call('inbox.ack', { agent: more.who, messageIds });
        expect(count).toBe(fresh.length);
        for (const { seq } of fresh) acked.add(seq);
        break;
      }
      case 'ackAll':
        this.reached(more.who, this.head);
        await this.call('inbox.ack', { agent: more.who, all: true });
        break;
      case 'ackTime': {
        const time = this.things[more.which % Math.max(1, this.things.length)]?.at ?? 0;
        const after = this.things.filter(({ at, to, channel }) => {
          const isPublic = channel !== undefined && !channel.startsWith('dm:');
          return at > time && (isPublic || to.has(more.who));
        });
        this.reached(more.who, Math.min(this.head, ...after.map(({ seq }) => seq - 1)));
        await this.call('inbox.ack', { agent: more.who, timestamp: time });
        break;
      }
      case 'ackCursor': {
        const cursor = more.which % (this.head + 1);
        this.reached(more.who, cursor);
        await this.call('inbox.ack', { agent: more.who, cursor: String(cursor) });
        break;
      }
      case 'follow': {
        const reader = this.reader(more.who);
        await this.call('inbox.subscribe', { agent: more.who, channels: more.channels });
        for (const each of more.channels) if (!reader.followed.includes(each)) reader.since.set(each, this.head);
        reader.followed = more.channels;
        break;
      }
      case 'task':
        await this.task(more.from, more.what, more.to);
        break;
      case 'later':
        this.#time += more.minutes * MINUTE;
        break;
      case 'restart':
        await this.close();
        if (more.withoutIndex) rmSync(join(this.#dir, 'index.sqlite'));
        await this.open();
        break;
    }
  }

  async task(from: string, what: string, to: string): Promise<void> {
    const create = (more: object) => ['tasks.create', { title: 't', createdBy: from, ...more }] as const;
    if (what === 'assign') {
      await this.note(from, to, 'task_assigned', 'assigned', ...create({ assignee: to }));
    } else if (what === 'unblock') {
      const { task } = await this.call(...create({}));
      await this.note(from, to, 'task_assigned', 'assigned', ...create({ assignee: to, blocked_by: [task.id] }));
      const change = { id: task.id, agent: from, status: 'done' };
      await this.note(from, to, 'task_unblocked', 'unblocked', 'tasks.update', change);
    } else {
      const { task } = await this.call(...create({ reviewer: to }));
      const change = { id: task.id, agent: from, status: 'validating' };
      await this.note(from, to, 'task_updated', 'review', 'tasks.update', change);
    }
  }

  reached(name: string, upTo: number): void {
    const reader = this.reader(name);
    reader.ackedUpTo = Math.max(reader.ackedUpTo, upTo);
    reader.readUpTo = Math.max(reader.readUpTo, upTo);
  }

  async read(name: string, { limit, priority, how }: Act): Promise<void> {
    const expected = this.listed(name).filter(
      ({ reason }) => priority === undefined || PRIORITIES[RANK[reason] as number] === priority,
    );
    const head = this.head;
    const { messages, count, more } = await this.call('inbox.list', {
      agent: name,
      limit,
      ...(priority && { priority }),
      ...(how === 'peek' && { peek: true }),
      ...(how === 'explicit' && { ack: 'explicit' }),
    });
    expect(messages.map(({ id, reason }: Json) => [id, reason])).toEqual(
      expected.slice(0, limit).map(({ id, reason }) => [id, reason]),
    );
    expect(count).toBe(messages.length);
    expect(more === true).toBe(expected.length > limit);
    const reader = this.reader(name);
    if (how === 'explicit')
      for (const { seq } of expected.slice(0, limit)) reader.given.set(seq, this.#time + 10 * MINUTE);
    else if (how === 'plain' && !more && priority === undefined) reader.readUpTo = Math.max(reader.readUpTo, head);
  }

  /** Claims that every inbox is as a naive recount has it, and that looking changed nothing. */
  async agrees(): Promise<void> {
    for (const name of AGENTS) {
      const { count, mentions } = await this.call('inbox.unread', { agent: name });
      expect({ name, count, mentions }).toEqual({ name, ...this.unread(name) });
      const head = this.head;
      await this.read(name, { limit: 100, how: 'peek' });
      expect(this.head).toBe(head);
    }
  }
}

test('inboxes are as a naive recount has them: for any history, across restarts, with the index and without it', {
  timeout: 180_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 60 }), async (acts) => {
      using directory = temporaryDirectory();
      const world = new World(directory.path);
      await world.open();
      try {
        for (const name of AGENTS)
          await world.call('agents.register', { name, ...(name === 'bob' && { aliases: [ALIAS] }) });
        for (const each of acts as Act[]) {
          await world.perform(each);
          await world.agrees();
        }
      } finally {
        await world.close();
      }
    }),
    { numRuns: 40, examples: HARD.map((acts) => [acts]) },
  );
});
