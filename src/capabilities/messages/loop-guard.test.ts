import { describe, expect, test } from 'vitest';
import { given, type Past, type Scene } from '../../../tests/support/given.ts';
import { created, refusal, table } from '../../../tests/support/tasks.ts';

const human = (name: string): Past => ({
  type: 'agent_registered',
  subject: name,
  data: { name, changes: { kind: 'human' } },
});
const quiet = given(table, human('ada'), created('a'));

/** Where two agents can talk, and how one says something to the other there. */
const root = quiet.when('messages.send', { from: 'ada', content: 'Discuss.', channel: 'dev' });
const threadId = root.answer.message.id;
type Say = (from: string, to: string) => Record<string, unknown>;
const PLACES: [string, Scene, Say][] = [
  ['a direct message', quiet, (from, to) => ({ from, to, content: 'x' })],
  ['a thread', root.after, (from) => ({ from, threadId, content: 'x' })],
  ['the thread of a task', quiet, (from) => ({ from, channel: 'task:a', content: 'x' })],
  ['a channel, with mentions', quiet, (from, to) => ({ from, channel: 'dev', content: `@${to.toUpperCase()}: x` })],
  ['a channel, with addresses', quiet, (from, to) => ({ from, channel: 'dev', to, content: 'x' })],
];
const [, , inDm] = PLACES[0] as [string, Scene, Say];
const [, , mentioning] = PLACES[3] as [string, Scene, Say];

const send = (scene: Scene, input: Record<string, unknown>) => scene.when('messages.send', input);

/** The scene after two spoke in turns, so many times, each so many milliseconds after the other. Throws what is refused. */
function turns(
  scene: Scene,
  n: number,
  say: Say,
  ms = 1_000,
  pair: readonly [string, string] = ['kai', 'pixel'],
): Scene {
  let after = scene;
  for (let i = 0; i < n; i++) {
    const decision = send(after.later(ms), say(pair[i % 2] as string, pair[(i + 1) % 2] as string));
    if (decision.events.length > 0) after = decision.after;
  }
  return after;
}

const detected = (scene: Scene) => scene.events.filter(({ type }) => type === 'loop_detected');

describe.each(PLACES)('two agents that answer each other in %s', (_, scene, say) => {
  // The first message answers nobody: 21 messages are 20 exchanges.
  const often = turns(scene, 21, say);

  test('may do so 20 times in a minute', () => {
    expect(detected(often)).toEqual([]);
  });

  test('have looped when they do it once more, and this is told with it', () => {
    const { events } = send(often.later(1_000), say('pixel', 'kai'));
    expect(events.map(({ type }) => type).filter((type) => type !== 'channel_created')).toEqual([
      'message_posted',
      'loop_detected',
    ]);
    const data = { agents: ['kai', 'pixel'], exchanges: 21, seconds: 60 };
    expect(events.at(-1)).toMatchObject({ actor: 'system', data });
  });

  test('are refused both from then on, until a minute after the first of these', () => {
    const looped = turns(often, 1, (to, from) => say(from, to));
    for (const [from, to] of [
      ['kai', 'pixel'],
      ['pixel', 'kai'],
    ] as const) {
      const decision = send(looped, say(from, to));
      expect(refusal(decision, 'loop_guard')).toMatchObject({ agents: ['kai', 'pixel'], exchanges: 21 });
      expect(retryAfterOf(() => decision.events)).toBe(40);
      send(looped.later(38_000), say(from, to)).thenRefused('loop_guard');
    }
    const again = send(looped.later(40_000), say('kai', 'pixel'));
    expect(again.events).toMatchObject([{ type: 'message_posted' }]);
    send(again.after, say('pixel', 'kai')).thenRefused('loop_guard');
  });

  test('have not where one says another thing, and waits', () => {
    const { after } = send(often, say('kai', 'pixel'));
    expect(detected(after)).toEqual([]);
    expect(detected(turns(after, 1, (to, from) => say(from, to)))).toHaveLength(1);
  });

  test('are not held up where they take their time', () => {
    expect(detected(turns(scene, 60, say, 3_000))).toEqual([]);
  });
});

describe.each(PLACES.slice(1))('somebody else in %s', (_, scene, say) => {
  const looped = turns(scene, 22, say);

  // It need not speak to anybody.
  test.each(['ada', 'nova'])('ends the loop by speaking: %s', (third) => {
    const { channel, threadId } = say(third, 'kai');
    const { after } = send(looped, { from: third, channel, threadId, content: 'Stop.' });
    expect(detected(turns(after, 20, say, 100))).toHaveLength(1);
  });

  test('does not end it by speaking elsewhere', () => {
    const { after } = send(looped, { from: 'nova', content: 'Hello.' });
    send(after, say('kai', 'pixel')).thenRefused('loop_guard');
  });
});

function retryAfterOf(decide: () => unknown): number | undefined {
  try {
    decide();
  } catch (refused) {
    return (refused as { options: { retryAfter?: number } }).options.retryAfter;
  }
  return undefined;
}

describe('a loop', () => {
  const looped = turns(quiet, 22, inDm);

  test('is for people to see, also where it is private', () => {
    const { data } = looped.events.at(-1) as { data: object };
    expect(data).toEqual({ channel: 'dm:kai:pixel', agents: ['kai', 'pixel'], exchanges: 21, seconds: 60 });
    expect(looped.concerned('ada', 'kai', 'pixel', 'nova')).toEqual(['ada']);
  });

  test('in a thread says which', () => {
    const [, scene, say] = PLACES[1] as [string, Scene, Say];
    expect(turns(scene, 22, say).events.at(-1)?.data).toMatchObject({ channel: 'dev', thread: threadId });
  });

  test('that goes on as fast as it may is told once; after a minute of silence it is another', () => {
    let scene = looped;
    for (let i = 0; i < 60; i++)
      scene = send(scene.later(2_500), i % 2 ? inDm('pixel', 'kai') : inDm('kai', 'pixel')).after;
    expect(scene.events.length).toBeGreaterThan(looped.events.length + 40);
    expect(detected(scene)).toHaveLength(1);
    expect(detected(turns(scene.later(61_000), 21, inDm, 10))).toHaveLength(2);
  });

  test('holds up nothing else that the two say', () => {
    for (const input of [
      inDm('kai', 'nova'),
      inDm('kai', 'ada'),
      mentioning('pixel', 'kai'),
      { from: 'kai', content: 'Done.' },
    ])
      expect(send(looped, input).events.at(-1)).toMatchObject({ type: 'message_posted' });
  });

  test('in a channel holds up there what the two say to each other, and nothing else', () => {
    const scene = turns(quiet, 22, mentioning);
    send(scene, mentioning('kai', 'pixel')).thenRefused('loop_guard');
    for (const input of [{ from: 'kai', channel: 'dev', content: 'Done.' }, mentioning('kai', 'nova')])
      expect(send(scene, input).events.at(-1)).toMatchObject({ type: 'message_posted' });
  });

  test('in a channel does not end by speaking to a third that does not answer', () => {
    let scene = turns(quiet, 2, mentioning);
    for (let i = 0; i < 20; i++) {
      scene = send(scene, mentioning(i % 2 ? 'pixel' : 'kai', 'nova')).after;
      scene = turns(scene, 1, i % 2 ? (to, from) => mentioning(from, to) : mentioning);
    }
    expect(detected(scene)).toHaveLength(1);
  });

  test('never holds up a person, also where nobody knew that it is one', () => {
    const { after } = turns(quiet, 22, inDm, 100, ['kai', 'eve']).when('agents.register', {
      name: 'eve',
      kind: 'human',
    });
    expect(send(after, inDm('eve', 'kai')).events).toHaveLength(1);
    expect(send(after, inDm('kai', 'eve')).events).toHaveLength(1);
  });

  test('is none of edits and reactions, and they end none', () => {
    const id = looped.events.at(-2)?.subject as string;
    let scene = looped;
    for (let i = 0; i < 25; i++) {
      scene = scene.when('messages.edit', { id, from: 'pixel', content: `${i}` }).after;
      scene = scene.when('messages.react', { id, from: 'kai', emoji: '👍' }).after;
    }
    expect(detected(scene)).toHaveLength(1);
    send(scene, inDm('kai', 'pixel')).thenRefused('loop_guard');
  });
});

describe('no loop is', () => {
  test.each<[string, Scene]>([
    ['a conversation with a person', turns(quiet, 60, inDm, 100, ['kai', 'ada'])],
    ['talk in a channel that is to nobody', turns(quiet, 60, (from) => ({ from, channel: 'dev', content: 'x' }), 100)],
    [
      'one that is spoken to and never answers',
      Array.from({ length: 60 }).reduce<Scene>((scene) => send(scene, inDm('kai', 'pixel')).after, quiet),
    ],
    [
      'a fast conversation of three',
      Array.from({ length: 90 }).reduce<Scene>((scene, _, i) => {
        const [from = '', to = ''] = [i, i + 1].map((n) => ['kai', 'pixel', 'nova'][n % 3]);
        return send(scene, mentioning(from, to)).after;
      }, quiet),
    ],
    ['what several pairs say at once', turns(turns(quiet, 20, inDm, 10), 20, inDm, 10, ['nova', 'echo'])],
  ])('%s', (_, scene) => {
    expect(detected(scene)).toEqual([]);
    expect(scene.events.filter(({ type }) => type === 'message_posted').length).toBeGreaterThanOrEqual(40);
  });
});

test('there are never more places than slots, and of each the last exchanges alone', () => {
  const posted = (from: string, channel: string, at: number): Past => ({
    type: 'message_posted',
    actor: from,
    at,
    data: { id: `m${at}`, from, content: 'x', channel, timestamp: at, reactions: {} },
  });
  const past: Past[] = [];
  for (let i = 0; i < 3_000; i++) past.push(posted('kai', `dm:kai:p${i}`, past.length + 1));
  for (let i = 0; i < 300; i++) past.push(posted(i % 2 ? 'kai' : 'p0', 'dm:kai:p0', past.length + 1));
  const all = given(table, ...past).all('exchanges');
  expect(all.length).toBeLessThanOrEqual(1_024);
  expect(all.length).toBeGreaterThan(900);
  expect(all.find(({ place }) => place === 'dm:kai:p0').times).toHaveLength(101);
});
