import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { importMessages } from '../../src/capabilities/messages/import.ts';
import { apply, type Message } from '../../src/capabilities/messages/state.ts';
import { importTasks } from '../../src/capabilities/tasks/import.ts';
import { Refusal } from '../../src/kernel/errors.ts';
import type { Event } from '../../src/kernel/event.ts';
import { type OpenedKernel, openKernel } from '../../src/node.ts';
import { temporaryDirectory } from '../support/directory.ts';
import type { Json } from '../support/node.ts';

const AGENTS = ['ada', 'bob', 'cyd'] as const;
const agent = fc.constantFrom(...AGENTS);
const which = fc.nat({ max: 30 });
const text = fc.string({ minLength: 1, maxLength: 20 });
/** Long before anything happens here, so that many times are equal. */
const longAgo = fc.nat({ max: 5 });

/** Things that agents do, and what is imported; `which` points at an earlier message or task. */
const act = fc.oneof(
  fc.record({ op: fc.constant('send'), from: agent, channel: fc.constantFrom('general', 'dev', 'lab'), content: text }),
  fc.record({ op: fc.constant('dm'), from: agent, to: agent, content: text }),
  fc.record({ op: fc.constant('reply'), from: agent, which }),
  fc.record({ op: fc.constant('react'), from: agent, which }),
  fc.record({ op: fc.constant('edit'), from: agent, which, content: text }),
  fc.record({ op: fc.constant('delete'), from: agent, which }),
  fc.record({ op: fc.constant('task'), from: agent, to: agent }),
  fc.record({ op: fc.constant('move'), from: agent, which }),
  fc.record({ op: fc.constant('subscribe'), from: agent }),
  fc.record({ op: fc.constant('old messages'), from: agent, to: fc.option(agent), times: fc.array(longAgo) }),
  fc.record({ op: fc.constant('old notes'), from: fc.constant('system'), times: fc.array(longAgo) }),
  fc.record({ op: fc.constant('old tasks'), from: agent, times: fc.array(longAgo) }),
);
type Act = { op: string; from: string; to?: string | null; channel?: string; content?: string } & {
  which?: number;
  times?: number[];
};

/** What is asked, and by whom. */
const question = fc.record({
  reader: fc.option(fc.constantFrom(...AGENTS, 'mallory'), { nil: undefined }),
  agent: fc.option(fc.constantFrom(...AGENTS, 'anonymous', 'system'), { nil: undefined }),
  type: fc.option(
    fc.constantFrom('message_posted', 'message_*', 'task_*,inbox_*', 'task_created,message_reacted', '*'),
    {
      nil: undefined,
    },
  ),
  channel: fc.option(fc.constantFrom('general', 'dev', 'lab', 'dm:ada:bob', 'dm:ada:ada'), { nil: undefined }),
  since: fc.option(fc.oneof(longAgo, fc.double({ min: 0, max: 1, noNaN: true })), { nil: undefined }),
  limit: fc.integer({ min: 1, max: 12 }),
});
type Question = typeof question extends fc.Arbitrary<infer Q> ? Q : never;

function open(dir: string): Promise<OpenedKernel> {
  return openKernel({ config: { DATA_DIR: dir, DURABILITY: { mode: 'always' }, SEGMENT_MIB: 1 } });
}

/** Does it; a refusal is an outcome like any other. Ids of new messages and tasks are added to `made`. */
async function perform({ kernel }: OpenedKernel, given: Act, made: { messages: string[]; tasks: string[] }) {
  const { op, from, to, channel, content, which = 0, times = [] } = given;
  const message = made.messages[which % Math.max(1, made.messages.length)] ?? 'msg-none';
  const task = made.tasks[which % Math.max(1, made.tasks.length)] ?? 'task-none';
  const id = `old-${made.messages.length + made.tasks.length}-${from}`;
  const old = (more: object) => ({
    messages: times.map((timestamp, i) => ({
      message: { id: `${id}-${i}`, from, content: 'old', timestamp, ...more },
      replies: [],
    })),
  });
  const calls: Record<string, () => Promise<{ value: unknown }>> = {
    send: () => kernel.call('messages.send', { from, channel, content }, {}),
    dm: () => kernel.call('messages.send', { from, to, content }, {}),
    reply: () => kernel.call('messages.send', { from, threadId: message, content: 'a reply' }, {}),
    react: () => kernel.call('messages.react', { id: message, from, emoji: '👍' }, {}),
    edit: () => kernel.call('messages.edit', { id: message, from, content }, {}),
    delete: () => kernel.call('messages.delete', { id: message, from }, {}),
    task: () => kernel.call('tasks.create', { title: 'a task', createdBy: from, assignee: to }, {}),
    move: () => kernel.call('tasks.update', { id: task, status: 'blocked' }, { agent: from }),
    subscribe: () => kernel.call('inbox.subscribe', { agent: from, channels: [String(made.messages.length)] }, {}),
    'old messages': () => kernel.run(importMessages, old(to ? { to, channel: `dm:${from}:${to}` } : {}), {}),
    // What the server said in the thread of a task.
    'old notes': () => kernel.run(importMessages, old({ channel: 'task:t' }), {}),
    'old tasks': () =>
      kernel.run(
        importTasks,
        {
          tasks: times.map((createdAt, i) => ({
            id: `${id}-${i}`,
            title: 'an old task',
            status: 'todo',
            createdBy: from,
            createdAt,
            updatedAt: createdAt,
          })),
        },
        {},
      ),
  };
  try {
    const { value } = await (calls[op] as () => Promise<{ value: Json }>)();
    if (value.message) made.messages.push(value.message.id);
    if (value.task) made.tasks.push(value.task.id);
    if (op === 'old messages' || op === 'old notes') made.messages.push(...times.map((_, i) => `${id}-${i}`));
    if (op === 'old tasks') made.tasks.push(...times.map((_, i) => `${id}-${i}`));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
}

/** Every event, as the files of the journal have it. */
function eventsOf(dir: string): Event[] {
  const journal = join(dir, 'journal');
  return readdirSync(journal)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .flatMap((name) => readFileSync(join(journal, name), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Event)
    .filter(({ seq }) => seq > 0);
}

function isFor({ type, data }: Event, reader: string | undefined): boolean {
  if (type.startsWith('inbox_')) return data.agent === reader;
  const [kind, ...ends] = String(data.channel).split(':');
  return kind !== 'dm' || (reader !== undefined && ends.includes(reader));
}

function isOfType(type: string, wanted: string | undefined): boolean {
  return (wanted ?? '*')
    .split(',')
    .some((each) => (each.endsWith('*') ? type.startsWith(each.slice(0, -1)) : type === each));
}

function timeOf({ type, at, data }: Event): number {
  if (type === 'message_posted') return data.timestamp as number;
  return (type.endsWith('_created') ? (data.createdAt as number | undefined) : undefined) ?? at;
}

/** What a page without end would show: looked for among all events. */
function expected(events: readonly Event[], epoch: string, asked: Question, since: number | undefined): Json[] {
  const messages = new Map<string, Message>();
  const state = { get: messages.get.bind(messages), put: messages.set.bind(messages), delete: () => {} };
  for (const event of events) apply({ messages: state } as never, event);
  return events
    .filter((event) => isFor(event, asked.reader) && isOfType(event.type, asked.type))
    .filter(({ actor }) => asked.agent === undefined || actor === asked.agent)
    .filter(({ data }) => asked.channel === undefined || data.channel === asked.channel)
    .filter((event) => timeOf(event) >= (since ?? 0))
    .sort((a, b) => timeOf(b) - timeOf(a) || b.seq - a.seq)
    .map((event) => {
      const { type, actor, subject, seq } = event;
      const { content: _, ...withoutText } = event.data;
      const data =
        type === 'message_posted'
          ? messages.get(subject as string)
          : type === 'message_edited'
            ? withoutText
            : event.data;
      return { id: `${epoch}-${seq}`, type, timestamp: timeOf(event), actor, ...(subject && { subject }), data };
    });
}

/** All that is shown, page after page; no page is longer than asked, and none but the last is shorter. */
async function pages(
  { kernel }: OpenedKernel,
  { reader, ...asked }: Question,
  since: number | undefined,
): Promise<Json> {
  const shown: Json[] = [];
  for (let cursor: string | undefined; ; ) {
    const { value } = await kernel.call('activity.list', { ...asked, since, cursor }, { agent: reader });
    const page = JSON.parse(JSON.stringify(value));
    expect(page.count).toBe(page.events.length);
    shown.push(...page.events);
    cursor = page.cursor;
    if (cursor === undefined) return shown;
    expect(page.events).toHaveLength(asked.limit);
  }
}

async function expectPages(node: OpenedKernel, dir: string, asked: Question): Promise<void> {
  const { feed } = node.kernel;
  for (;;) {
    const { head } = feed;
    const events = eventsOf(dir);
    // A share of the events: those that are newer than the one that stands there.
    const since =
      asked.since !== undefined && asked.since < 1 ? events[Math.floor(asked.since * events.length)]?.at : asked.since;
    const isPrivate =
      asked.channel?.startsWith('dm:') && !asked.channel.split(':').slice(1).includes(String(asked.reader));
    if (isPrivate) return expect(pages(node, asked, since)).rejects.toMatchObject({ code: 'not_a_party' });
    const shown = await pages(node, asked, since);
    // The server does things by itself: what came between is in the one and not in the other.
    if (feed.head === head && events.length === head)
      return expect(shown).toEqual(expected(events, feed.epoch, asked, since));
  }
}

test('pages of any size, one after another, are what a filter finds among all events; also after a restart, and from an index made anew', {
  timeout: 180_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(act, { minLength: 5, maxLength: 40 }),
      fc.array(question, { minLength: 20, maxLength: 20 }),
      async (acts, questions) => {
        using directory = temporaryDirectory();
        let node = await open(directory.path);
        const made = { messages: [], tasks: [] };
        for (const each of acts as Act[]) await perform(node, each, made);
        const ask = async (some: readonly Question[]) => {
          for (const each of some) await expectPages(node, directory.path, each);
        };
        await ask(questions);
        await node.close();
        node = await open(directory.path);
        await ask(questions.slice(0, 4));
        await node.close();
        rmSync(join(directory.path, 'index.sqlite'));
        node = await open(directory.path);
        await ask(questions.slice(4, 8));
        await node.close();
      },
    ),
    { numRuns: 12, interruptAfterTimeLimit: 120_000 },
  );
});
