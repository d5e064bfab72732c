import { describe, expect, test } from 'vitest';
import { given, type Past } from '../../../tests/support/given.ts';
import { channels } from '../channels/index.ts';
import { inbox } from '../inbox/index.ts';
import { messages } from '../messages/index.ts';
import { agents, resolveAgent } from './index.ts';

const table = [agents, channels, inbox, messages];
const created = (actor: string, channel: string, at?: number) => ({
  type: 'channel_created',
  subject: channel,
  actor,
  data: { channel, name: channel },
  ...(at !== undefined && { at }),
});

test('an agent exists from its first act, whatever that was', () => {
  const scene = given(table, created('link', 'a', 5), created('kai', 'b', 7), created('link', 'c', 9));

  expect(scene.all('agents')).toEqual([
    { name: 'link', firstSeen: 5, seq: 1 },
    { name: 'kai', firstSeen: 7, seq: 2 },
  ]);
});

test('who did not say its name, and the server itself, are no agents', () => {
  expect(given(table, created('anonymous', 'a'), created('system', 'b')).all('agents')).toEqual([]);
});

test('the author of an imported message was first seen when it was written, not when it was imported', () => {
  const message = { id: 'm', from: 'link', content: 'hi', timestamp: 77, channel: 'general', reactions: {} };
  const scene = given(table, { type: 'message_posted', actor: 'link', data: message });

  expect(scene.entity('agents', 'link')).toEqual({ name: 'link', firstSeen: 77, seq: 1 });
});

test('the list is in the order of appearance, as long as asked, and counts everybody', async () => {
  const scene = given(table, created('c', 'a'), created('a', 'b'), created('b', 'c'));

  const { agents: listed, count } = await scene.asks('agents.list', { limit: 2, fields: 'name' });

  expect(listed).toEqual([{ name: 'c' }, { name: 'a' }]);
  expect(count).toBe(3);
});

const registered = (name: string, changes: object = {}, actor = 'anonymous'): Past => ({
  type: 'agent_registered',
  subject: name,
  actor,
  data: { name, changes },
});

describe('registering', () => {
  const all = { role: 'Backend', aliases: ['Scout'], capabilities: ['sql'], description: 'Quiet.', kind: 'agent' };

  test('announces an agent before its first act', () => {
    const scene = given(table)
      .when('agents.register', { name: 'link', ...all })
      .then({ type: 'agent_registered', subject: 'link', data: { name: 'link', changes: all } });
    expect(scene.entity('agents', 'link')).toEqual({ name: 'link', firstSeen: expect.any(Number), seq: 1, ...all });
  });

  test('changes the given fields, takes away those that are null, and leaves the others', () => {
    const scene = given(table, created('link', 'a', 5), registered('link', all))
      .when('agents.register', { name: 'link', role: 'Frontend', description: null, aliases: [] }, 'kai')
      .then({
        type: 'agent_updated',
        subject: 'link',
        data: { name: 'link', changes: { role: 'Frontend', description: null, aliases: null } },
      });
    expect(scene.entity('agents', 'link')).toEqual({
      name: 'link',
      firstSeen: 5,
      seq: 3,
      role: 'Frontend',
      capabilities: ['sql'],
      kind: 'agent',
    });
    expect(scene.entity('agents', 'kai')).toMatchObject({ name: 'kai', seq: 3 });
  });

  test('says nothing where everything is so already, and answers the agent', () => {
    const decision = given(table, registered('link', all)).when('agents.register', { name: 'link', ...all });
    decision.thenNothing();
    expect(decision.answer).toMatchObject({ success: true, agent: { name: 'link', ...all } });
  });

  test('by its own hand is also its first act', () => {
    const { after, answer } = given(table).when('agents.register', { name: 'link', kind: 'human' }, 'link');
    expect(after.all('agents')).toEqual([answer.agent]);
    expect(answer.agent).toMatchObject({ name: 'link', kind: 'human', seq: 1 });
  });

  test.each([
    ['a name that is no name', { aliases: ['two words'] }],
    ['a name that is reserved', { aliases: ['system'] }],
    ['one name twice', { aliases: ['echo', 'Echo'] }],
    ['a kind that there is not', { kind: 'robot' }],
    ['no text', { role: '' }],
  ])('refuses %s', (_, fields) => {
    given(table)
      .when('agents.register', { name: 'link', ...fields })
      .thenRefused('invalid_input');
  });
});

describe('an alias', () => {
  const scene = given(table, registered('link', { aliases: ['Scout'] }), created('kai', 'a'));
  const asks = (name: string, ...aliases: string[]) => scene.when('agents.register', { name, aliases });

  test.each(['Scout', 'sCOUT', 'link', 'LINK'])('%s is taken for everybody else', (alias) => {
    asks('kai', alias).thenRefused('alias_taken');
    asks('nova', 'nova2', alias).thenRefused('alias_taken');
  });

  test('is no other writing of the own name', () => {
    asks('kai', 'Kai').thenRefused('alias_taken');
  });

  test('can be kept with others, and be had by another once it is given up', () => {
    expect(asks('link', 'Scout', 'echo').events).toHaveLength(1);
    const { after } = asks('link', 'echo');
    expect(after.when('agents.register', { name: 'kai', aliases: ['scout'] }).events).toHaveLength(1);
  });

  test('is no name under which somebody can be registered', () => {
    asks('scout').thenRefused('alias_taken');
  });

  test('means somebody else from when that one acts under it, and can then not be given again', () => {
    const state = (...past: Past[]) => {
      const { state } = resolvable(registered('link', { aliases: ['Scout'] }), ...past);
      return ['scout', 'Scout', 'SCOUT'].map((name) => resolveAgent(state, name));
    };
    expect(state()).toEqual(['link', 'link', 'link']);
    expect(state(created('scout', 'b'))).toEqual(['scout', 'scout', 'scout']);
    given(table, registered('link', { aliases: ['Scout'] }), created('scout', 'b'))
      .when('agents.register', { name: 'link', aliases: ['Scout'], role: 'Lead' })
      .thenRefused('alias_taken');
  });
});

/** The agents after some events, as commands see them. */
function resolvable(...past: Past[]) {
  let state = {} as Parameters<typeof resolveAgent>[0];
  const spy = {
    name: 'spy',
    summary: '',
    collections: [],
    operations: [],
    events: {},
    apply: (s: never) => void (state = s),
  };
  given([agents, spy], ...past);
  return { state };
}

describe('a text', () => {
  test('means the agent of exactly this name, else of this name in other letters, else of this alias', () => {
    const { state } = resolvable(registered('link', { aliases: ['Echo'] }), created('Kai', 'a'), created('kai', 'b'));
    const means = (text: string) => resolveAgent(state, text);
    expect([means('kai'), means('Kai'), means('KAI')]).toEqual(['kai', 'Kai', 'Kai']);
    expect([means('LINK'), means('eCHO'), means('nova'), means('')]).toEqual(['link', 'link', undefined, undefined]);
  });

  test('means nobody any more by an alias that was taken away', () => {
    const { state } = resolvable(registered('link', { aliases: ['Echo'] }), {
      type: 'agent_updated',
      data: { name: 'link', changes: { aliases: null } },
    });
    expect(resolveAgent(state, 'echo')).toBeUndefined();
  });
});

describe('asking', () => {
  const scene = given(
    table,
    created('kai', 'a', 5),
    registered('link', { role: 'Backend', aliases: ['Echo'], kind: 'human' }),
  );

  test('for one agent finds it by name or alias, with its tag', async () => {
    expect(await scene.asks('agents.get', { name: 'ECHO' })).toEqual({
      agent: { name: 'link', firstSeen: 6, role: 'Backend', aliases: ['Echo'], kind: 'human', seq: 2 },
    });
    await expect(scene.asks('agents.get', { name: 'nova' })).rejects.toMatchObject({ code: 'agent_not_found' });
  });

  test('for roles gives names, aliases and roles', async () => {
    expect(await scene.asks('agents.roles', {})).toEqual({
      agents: [{ name: 'kai' }, { name: 'link', aliases: ['Echo'], role: 'Backend' }],
    });
    expect(await scene.asks('agents.roles', { limit: 1 })).toEqual({ agents: [{ name: 'kai' }], more: true });
  });

  test('who one is tells the name, the kind and what is known', async () => {
    expect(await scene.asks('agents.me', {})).toEqual({ name: 'anonymous', kind: 'anonymous', agent: null });
    expect(await scene.asks('agents.me', {}, 'link')).toMatchObject({ name: 'link', kind: 'human', agent: { seq: 2 } });
    expect(await scene.asks('agents.me', { agent: 'kai' })).toMatchObject({ kind: 'agent', agent: { name: 'kai' } });
    expect(await scene.asks('agents.me', {}, 'nova')).toEqual({ name: 'nova', kind: 'agent', agent: null });
    expect(await scene.asks('agents.me', {}, 'echo')).toMatchObject({ agent: null, alias_of: 'link' });
  });

  test('page by page shows everybody once', async () => {
    const pages = await Promise.all([0, 1, 2].map((offset) => scene.asks('agents.list', { limit: 1, offset })));
    expect(pages.map(({ agents, more }) => [agents.map(({ name }: { name: string }) => name), more])).toEqual([
      [['kai'], true],
      [['link'], undefined],
      [[], undefined],
    ]);
  });
});
