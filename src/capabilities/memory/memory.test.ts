import { expect, test } from 'vitest';
import { type Past, given as scene, T0 } from '../../../tests/support/given.ts';
import { validate } from '../../kernel/validate.ts';
import { capabilities } from '../index.ts';
import { write } from './write.ts';

const given = (...past: Past[]) => scene(capabilities, ...past);

/** That somebody wrote a memory. */
function written(id: string, more: Record<string, unknown> = {}): Past {
  const { agent = 'link', ...rest } = more;
  const data = { id, agent, content: `what ${id} says`, scope: 'team', createdAt: T0, updatedAt: T0, ...rest };
  return {
    type: 'memory_written',
    subject: id,
    actor: agent as string,
    data: { ...data, updatedBy: agent, version: 1 },
  };
}

const deleted = (id: string, agent = 'link', scope = 'team'): Past => ({
  type: 'memory_deleted',
  subject: id,
  actor: agent,
  data: { id, agent, scope },
});

test('a memory is the team’s unless it says otherwise, and says who wrote it and when', () => {
  const decision = given().when('memories.write', {
    agent: 'link',
    content: 'Deploys go out on Tuesdays.',
    tags: ['deploy', 'deploy', 'week'],
    source: 'https://wiki.example/deploys',
  });
  const data = {
    id: 'memory-1000000-xxxxxxxxx',
    agent: 'link',
    content: 'Deploys go out on Tuesdays.',
    scope: 'team',
    tags: ['deploy', 'week'],
    source: 'https://wiki.example/deploys',
    createdAt: T0,
    updatedAt: T0,
    updatedBy: 'link',
    version: 1,
  };
  decision.then({ type: 'memory_written', subject: data.id, data });
  expect(decision.answer).toEqual({
    success: true,
    memory: { ...data, seq: 1, lastSeq: 1 },
    action: 'created',
    similar: [],
    model: null,
  });
});

test('a key names one living memory: who writes by it writes a new version, and what is not said stays', async () => {
  const before = given(written('m', { key: 'deploy.day', tags: ['deploy'], source: 'wiki' }));
  const decision = before.when('memories.write', { agent: 'kai', content: 'Wednesdays.', key: 'deploy.day' });
  const after = decision.then({
    type: 'memory_changed',
    subject: 'm',
    data: { id: 'm', agent: 'kai', scope: 'team', key: 'deploy.day', version: 2, content: 'Wednesdays.' },
  });
  expect(decision.answer).toMatchObject({
    action: 'updated',
    memory: {
      id: 'm',
      agent: 'link',
      updatedBy: 'kai',
      version: 2,
      tags: ['deploy'],
      source: 'wiki',
      seq: 1,
      lastSeq: 2,
    },
  });
  expect((await after.asks('memories.list', { key: 'deploy.day' })).memories).toMatchObject([
    { content: 'Wednesdays.' },
  ]);
});

test('who writes what the key’s memory says already changes nothing', () => {
  const decision = given(written('m', { key: 'k', content: 'same', tags: ['a'] })).when('memories.write', {
    agent: 'kai',
    content: 'same',
    key: 'k',
    tags: ['a'],
  });
  decision.thenNothing();
  expect(decision.answer).toMatchObject({ action: 'unchanged', memory: { id: 'm', version: 1, updatedBy: 'link' } });
});

test('keys of the team and of each agent never meet', () => {
  const all = given(
    written('of-team', { key: 'k' }),
    written('of-link', { key: 'k', scope: 'agent' }),
    written('of-kai', { key: 'k', scope: 'agent', agent: 'kai' }),
  );
  const upserts = (agent: string, scope: string) =>
    all.when('memories.write', { agent, scope, key: 'k', content: 'new' }).events[0]?.subject;
  expect([upserts('ada', 'team'), upserts('link', 'agent'), upserts('kai', 'agent')]).toEqual([
    'of-team',
    'of-link',
    'of-kai',
  ]);
  expect(upserts('ada', 'agent')).toBe('memory-1000003-xxxxxxxxx');
});

test('what a memory supersedes stays readable, marked, and is listed only where that is asked for', async () => {
  const decision = given(written('a'), written('b'), written('other')).when('memories.write', {
    agent: 'kai',
    content: 'both in one',
    supersedes: ['a', 'b', 'a'],
  });
  const id = decision.events[0]?.subject as string;
  expect(decision.events.map(({ type, subject }) => [type, subject])).toEqual([
    ['memory_written', id],
    ['memory_superseded', 'a'],
    ['memory_superseded', 'b'],
  ]);
  const { after } = decision;
  expect(decision.answer.memory.supersedes).toEqual(['a', 'b']);
  expect((await after.asks('memories.get', { id: 'a' })).memory).toMatchObject({ supersededBy: id, lastSeq: 5 });
  const ids = async (more: object) =>
    (await after.asks('memories.list', { ...more })).memories.map((memory: { id: string }) => memory.id);
  expect(await ids({})).toEqual([id, 'other']);
  expect((await ids({ superseded: '1' })).sort()).toEqual([id, 'other', 'a', 'b'].sort());
});

test('what was superseded is neither changed nor superseded again, but may be deleted', () => {
  const all = given(written('a'), {
    type: 'memory_superseded',
    subject: 'a',
    data: { id: 'a', agent: 'kai', scope: 'team', supersededBy: 'b' },
  });
  const refused = all.when('memories.update', { id: 'a', agent: 'link', content: 'x' });
  refused.thenRefused('memory_superseded');
  all.when('memories.write', { agent: 'link', content: 'x', supersedes: ['a'] }).thenRefused('memory_superseded');
  expect(all.when('memories.delete', { id: 'a', agent: 'link' }).events).toHaveLength(1);
});

test('a key is free again once its memory was deleted or superseded', () => {
  const write = { agent: 'kai', content: 'new', key: 'k' };
  const first = given(written('a', { key: 'k' }));
  expect(first.when('memories.write', write).events[0]?.subject).toBe('a');
  const gone = given(written('a', { key: 'k' }), deleted('a'));
  expect(gone.when('memories.write', write).events.map(({ type }) => type)).toEqual(['memory_written']);
  // The key's own memory is replaced: the key goes to the new one.
  const moved = first.when('memories.write', { ...write, supersedes: ['a'] });
  expect(moved.events.map(({ type }) => type)).toEqual(['memory_written', 'memory_superseded']);
  const id = moved.events[0]?.subject as string;
  expect(moved.after.when('memories.write', { ...write, content: 'newer' }).events[0]?.subject).toBe(id);
});

test('an upsert may supersede other memories as well', () => {
  const decision = given(written('a', { key: 'k' }), written('b'), written('c')).when('memories.write', {
    agent: 'kai',
    content: 'all of it',
    key: 'k',
    supersedes: ['b'],
  });
  expect(decision.events.map(({ type, subject }) => [type, subject])).toEqual([
    ['memory_changed', 'a'],
    ['memory_superseded', 'b'],
  ]);
  expect(decision.answer.memory).toMatchObject({ id: 'a', version: 2, supersedes: ['b'] });
  const again = decision.after.when('memories.write', {
    agent: 'kai',
    content: 'all of it',
    key: 'k',
    supersedes: ['c'],
  });
  expect(again.answer.memory).toMatchObject({ version: 3, supersedes: ['b', 'c'] });
});

test('what is not there, or not for the writer, or of another scope is not superseded', () => {
  const all = given(written('mine', { scope: 'agent' }), written('team'), written('gone'), deleted('gone'));
  const write = (agent: string, scope: string, ...supersedes: string[]) =>
    all.when('memories.write', { agent, scope, content: 'x', supersedes });
  write('kai', 'team', 'mine').thenRefused('unknown_memory');
  write('kai', 'team', 'never').thenRefused('unknown_memory');
  write('link', 'team', 'gone').thenRefused('unknown_memory');
  write('link', 'team', 'mine').thenRefused('scope_mismatch');
  write('link', 'agent', 'team').thenRefused('scope_mismatch');
  expect(write('link', 'agent', 'mine').events).toHaveLength(2);
});

test('a change makes a new version; null takes away; the same makes none', async () => {
  const before = given(written('m', { tags: ['a'], source: 'wiki' }));
  const after = before.when('memories.update', { id: 'm', agent: 'kai', content: 'two', tags: null }).then({
    type: 'memory_changed',
    subject: 'm',
    data: { id: 'm', agent: 'kai', scope: 'team', version: 2, content: 'two', tags: null },
  });
  expect(after.entity('memories', 'm')).toEqual({
    id: 'm',
    agent: 'link',
    content: 'two',
    scope: 'team',
    source: 'wiki',
    createdAt: T0,
    updatedAt: T0 + 1,
    updatedBy: 'kai',
    version: 2,
    seq: 1,
    lastSeq: 2,
  });
  after.when('memories.update', { id: 'm', agent: 'ada', content: 'two', tags: [], source: 'wiki' }).thenNothing();
  const { versions, count } = await after.asks('memories.versions', { id: 'm' });
  expect([count, versions]).toEqual([
    2,
    [
      { version: 2, agent: 'kai', at: T0 + 1, content: 'two', source: 'wiki', seq: 2 },
      { version: 1, agent: 'link', at: T0, content: 'what m says', tags: ['a'], source: 'wiki', seq: 1 },
    ],
  ]);
  const { memory } = await after.asks('memories.get', { id: 'm', version: '1' });
  expect(memory).toMatchObject({ content: 'what m says', tags: ['a'], version: 1, updatedBy: 'link', lastSeq: 1 });
  await expect(after.asks('memories.get', { id: 'm', version: 3 })).rejects.toMatchObject({
    code: 'version_not_found',
  });
});

test('key and scope stay as they were written, and whoever tries to change them is told', () => {
  const all = given(written('m'));
  all.when('memories.update', { id: 'm', agent: 'link', scope: 'agent' }).thenRefused('invalid_input');
  all.when('memories.update', { id: 'm', agent: 'link', key: 'k' }).thenRefused('invalid_input');
});

test('of a deleted memory nothing is left but that it was there', async () => {
  const all = given(
    written('m', { key: 'k', tags: ['a'], source: 'wiki' }),
    {
      type: 'memory_changed',
      subject: 'm',
      data: { id: 'm', agent: 'kai', scope: 'team', version: 2, content: 'two' },
    },
    deleted('m', 'ada'),
  );
  expect(all.entity('memories', 'm')).toMatchObject({ content: '', deletedBy: 'ada', lastSeq: 3 });
  for (const field of ['key', 'tags', 'source']) expect(all.entity('memories', 'm')).not.toHaveProperty(field);
  for (const ask of ['memories.get', 'memories.versions'])
    await expect(all.asks(ask, { id: 'm' })).rejects.toMatchObject({ code: 'memory_deleted' });
  await expect(all.asks('memories.get', { id: 'm', version: 1 })).rejects.toMatchObject({ code: 'memory_deleted' });
  all
    .when('memories.update', { id: 'm', agent: 'link', content: 'x' })
    .thenRefused('memory_deleted', 'Memory not found');
  all.when('memories.delete', { id: 'm', agent: 'link' }).thenRefused('memory_deleted');
  for (const filter of [{}, { superseded: true }, { tags: 'a' }, { key: 'k' }, { agent: 'link' }])
    expect((await all.asks('memories.list', filter)).memories).toEqual([]);
});

test('what is an agent’s own is, for others, not there', async () => {
  const all = given(written('mine', { scope: 'agent', tags: ['a'], key: 'k' }), written('team', { tags: ['a'] }));
  all.when('memories.update', { id: 'mine', agent: 'kai', content: 'x' }).thenRefused('memory_not_found');
  all.when('memories.delete', { id: 'mine', agent: 'kai' }).thenRefused('memory_not_found');
  for (const ask of ['memories.get', 'memories.versions']) {
    await expect(all.asks(ask, { id: 'mine' }, 'kai')).rejects.toMatchObject({ code: 'memory_not_found' });
    await expect(all.asks(ask, { id: 'mine' })).rejects.toMatchObject({ code: 'memory_not_found' });
    await all.asks(ask, { id: 'mine' }, 'link');
  }
  const ids = async (filter: object, caller?: string) =>
    (await all.asks('memories.list', { ...filter }, caller)).memories.map((memory: { id: string }) => memory.id);
  for (const filter of [{}, { tags: 'a' }, { agent: 'link' }, { superseded: '1' }, { tags: 'a', agent: 'link' }]) {
    expect(await ids(filter, 'link')).toEqual(['team', 'mine']);
    expect(await ids(filter, 'kai')).toEqual(['team']);
    expect(await ids(filter)).toEqual(['team']);
  }
  expect(await ids({ key: 'k' }, 'link')).toEqual(['mine']);
  expect(await ids({ key: 'k' }, 'kai')).toEqual([]);
  expect(await ids({ scope: 'agent' }, 'link')).toEqual(['mine']);
  expect(await ids({ scope: 'team' }, 'link')).toEqual(['team']);
  for (const [filter, caller] of [[{ scope: 'agent' }], [{ scope: 'agent', agent: 'link' }, 'kai']] as const)
    await expect(ids(filter, caller)).rejects.toMatchObject({ code: 'not_the_owner' });
});

test('nobody is notified by what a memory says', () => {
  const all = given(
    { type: 'agent_registered', actor: 'kai', data: { name: 'kai', changes: {} } },
    written('m', { content: '@kai look' }),
  );
  expect(all.concerned('kai', 'link')).toEqual([]);
});

test.each([
  [{ content: '' }, '/content'],
  [{ content: ' \n\t ' }, '/content'],
  [{ content: 'x'.repeat(100_001) }, '/content'],
  [{ key: 'a b' }, '/key'],
  [{ key: '' }, '/key'],
  [{ key: 'x'.repeat(201) }, '/key'],
  [{ tags: ['a,b'] }, '/tags/0'],
  [{ tags: ['a\nb'] }, '/tags/0'],
  [{ tags: [' '] }, '/tags/0'],
  [{ tags: Array(65).fill('a') }, '/tags'],
  [{ scope: 'world' }, '/scope'],
  [{ source: '' }, '/source'],
  [{ source: 'x'.repeat(501) }, '/source'],
  [{ supersedes: Array(101).fill('a') }, '/supersedes'],
  [{ supersedes: 'a' }, '/supersedes'],
  [{ agent: 'not a name' }, '/agent'],
])('%o is refused, and the field is named', (wrong, pointer) => {
  const input = { agent: 'link', content: 'x', ...wrong };
  given().when('memories.write', input).thenRefused('invalid_input');
  const errors = [expect.objectContaining({ pointer })];
  expect(() => validate(write, input, {})).toThrowError(
    expect.objectContaining({ options: expect.objectContaining({ errors }) }),
  );
});
