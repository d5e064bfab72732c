import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../src/store/sqlite.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { type Answer, client, type Json, quietNode, type TestNode } from '../support/node.ts';
import { serverProcess } from '../support/process.ts';
import { openSocket } from '../support/ws.ts';

let server: TestNode;
beforeAll(async () => {
  server = await quietNode();
});
afterAll(() => server[Symbol.asyncDispose]());

const as = (agent: string) => ({ 'x-agent': agent });

/** A new memory: as it is answered, its path and its tag. */
async function write(agent: string, content: string, more: object = {}): Promise<Json> {
  const { status, body, headers } = await server.send('POST', '/memories', { agent, content, ...more });
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
  return { ...body.memory, path: `/memories/${body.memory.id}`, tag: headers.get('etag') };
}

const told = ({ status, body }: Answer) => [status, body.code];
const contents = ({ body }: Answer) => body.memories.map(({ content }: Json) => content);

test('a memory is written, read, changed and deleted; its tag is the seq of what last changed it', async () => {
  const { id, path, tag } = await write('ada', 'one', { tags: ['a'] });
  const read = await server.get(path);
  expect([read.body.memory.id, read.headers.get('etag'), tag]).toEqual([id, tag, `"${read.body.memory.lastSeq}"`]);
  const changed = await server.send('PATCH', path, { agent: 'kai', content: 'two' }, { 'if-match': tag });
  expect(changed.body).toMatchObject({ success: true, memory: { content: 'two', version: 2, updatedBy: 'kai' } });
  expect(changed.headers.get('etag')).toBe(`"${changed.headers.get('x-seq')}"`);
  expect((await server.get(`${path}?version=1`)).body.memory.content).toBe('one');
  expect((await server.get(`${path}?version=1`)).headers.get('etag')).toBe(tag);
  const { versions } = (await server.get(`${path}/versions`)).body;
  expect(versions.map(({ version, agent, content }: Json) => [version, agent, content])).toEqual([
    [2, 'kai', 'two'],
    [1, 'ada', 'one'],
  ]);
  expect(told(await server.send('DELETE', path, { agent: 'kai' }, { 'if-match': tag }))).toEqual([
    412,
    'precondition_failed',
  ]);
  expect((await server.send('DELETE', `${path}?agent=kai`)).body).toEqual({ success: true });
  for (const where of [path, `${path}?version=1`, `${path}/versions`]) {
    const gone = await server.get(where);
    expect(told(gone)).toEqual([410, 'memory_deleted']);
    expect(gone.body).toMatchObject({ error: 'Memory not found', deletedBy: 'kai' });
  }
  expect(told(await server.get('/memories/never'))).toEqual([404, 'memory_not_found']);
});

test('who writes without a name, or under two, is told', async () => {
  const nameless = await server.send('POST', '/memories', { content: 'x' });
  expect([...told(nameless), nameless.body.error]).toEqual([400, 'invalid_input', 'agent and content are required']);
  const two = await server.send('POST', '/memories', { agent: 'ada', content: 'x' }, as('kai'));
  expect(told(two)).toEqual([403, 'actor_mismatch']);
  const { status, body } = await server.send('POST', '/memories', { content: 'named by the header' }, as('kai'));
  expect([status, body.memory.agent]).toEqual([200, 'kai']);
});

test('an upsert by key honours If-Match in the same step', async () => {
  const put = (content: string, headers = {}) =>
    server.send('POST', '/memories', { agent: 'ada', content, key: 'if.match', similar: false }, headers);
  expect(told(await put('x', { 'if-match': '*' }))).toEqual([412, 'precondition_failed']);
  const made = await put('one');
  const tag = made.headers.get('etag') as string;
  expect(made.body.action).toBe('created');
  const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => put(`by ${i}`, { 'if-match': tag })));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412, 412, 412, 412, 412]);
  const winner = answers.find(({ status }) => status === 200) as Answer;
  expect(winner.body).toMatchObject({ action: 'updated', memory: { id: made.body.memory.id, version: 2 } });
  expect((await server.get(`/memories/${made.body.memory.id}`)).body.memory).toEqual(winner.body.memory);
});

test('of eight who change what they read, one does and seven are told that it was changed', async () => {
  const { path, tag } = await write('ada', 'raced');
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      server.send('PATCH', path, { agent: `racer-${i}`, content: `by ${i}` }, { 'if-match': tag }),
    ),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412, 412, 412, 412, 412]);
  const winner = answers.find(({ status }) => status === 200) as Answer;
  for (const { status, body } of answers)
    if (status === 412) expect(body).toMatchObject({ code: 'precondition_failed', etag: winner.headers.get('etag') });
  const { versions, count } = (await server.get(`${path}/versions`)).body;
  expect([count, versions.length, versions[0].content]).toEqual([2, 2, winner.body.memory.content]);
});

test('of eight who write by a new key at once, one creates and seven make versions of it', async () => {
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      server.send('POST', '/memories', { agent: `w${i}`, content: `by ${i}`, key: 'at/once' }),
    ),
  );
  expect(answers.map(({ body }) => body.action).sort()).toEqual(['created', ...Array(7).fill('updated')]);
  expect(new Set(answers.map(({ body }) => body.memory.id)).size).toBe(1);
  expect(answers.map(({ body }) => body.memory.version).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('lists page without a gap, newest first, by agent, tag, scope, key and time', async () => {
  await using other = await quietNode();
  const made: Json[] = [];
  for (let i = 0; i < 25; i++) {
    const { body } = await other.send('POST', '/memories', {
      agent: i % 2 ? 'odd' : 'even',
      content: `memory ${i}`,
      tags: [`t${i % 3}`, 'all'],
      ...(i % 5 === 0 && { key: `key.${i}` }),
      ...(i % 7 === 0 && { scope: 'agent' }),
    });
    made.push(body.memory);
  }
  made.reverse();
  const page = async (query: string, caller?: string) => {
    const found: Json[] = [];
    for (let cursor = ''; ; ) {
      const { status, body } = await other.get(`/memories?limit=4${query}${cursor}`, caller ? as(caller) : {});
      expect(status).toBe(200);
      found.push(...body.memories);
      if (!body.more) return found;
      cursor = `&cursor=${body.cursor}`;
    }
  };
  const team = made.filter(({ scope }) => scope === 'team');
  const mine = made.filter(({ scope, agent }) => scope === 'team' || agent === 'odd');
  const cases: [query: string, caller: string | undefined, expected: Json[]][] = [
    ['', undefined, team],
    ['', 'odd', mine],
    ['&agent=odd', 'odd', mine.filter(({ agent }) => agent === 'odd')],
    ['&agent=odd', 'even', team.filter(({ agent }) => agent === 'odd')],
    ['&scope=agent', 'odd', mine.filter(({ scope }) => scope === 'agent')],
    ['&tags=t1', 'odd', mine.filter(({ tags }) => tags.includes('t1'))],
    ['&tag=t1', undefined, team.filter(({ tags }) => tags.includes('t1'))],
    ['&tags=t1,t2,all', 'odd', mine],
    ['&tags=t0,t2&agent=odd', 'odd', mine.filter(({ tags, agent }) => agent === 'odd' && !tags.includes('t1'))],
    ['&key=key.5', undefined, team.filter(({ key }) => key === 'key.5')],
    ['&key=key.5&tags=t1', undefined, []],
    ['&key=key.5&tags=t2', undefined, team.filter(({ key }) => key === 'key.5')],
    [`&since=${made[10].createdAt}`, undefined, team.filter(({ createdAt }) => createdAt >= made[10].createdAt)],
    [
      `&before=${made[10].createdAt}&tags=all`,
      undefined,
      team.filter(({ createdAt }) => createdAt < made[10].createdAt),
    ],
  ];
  for (const [query, caller, expected] of cases)
    expect(
      (await page(query, caller)).map(({ id }) => id),
      `${query} by ${caller}`,
    ).toEqual(expected.map(({ id }) => id));
  const slim = await other.get('/memories?limit=1&fields=id,content');
  expect(Object.keys(slim.body.memories[0])).toEqual(['id', 'content']);
});

test('a compact list is short, and a long one says how to go on', async () => {
  await using other = await quietNode();
  for (let i = 0; i < 12; i++)
    await other.send('POST', '/memories', { agent: 'ada', content: `${i} ${'long '.repeat(19_000)}`, source: 'x' });
  const whole = await other.get('/memories');
  expect(whole.body).toMatchObject({ more: true, count: 11 });
  const rest = await other.get(`/memories?cursor=${whole.body.cursor}`);
  expect([rest.body.count, rest.body.more]).toEqual([1, undefined]);
  const { memories, more } = (await other.get('/memories?compact=1')).body;
  expect([memories.length, more, memories[0].content.length, memories[0].source]).toEqual([
    12,
    undefined,
    281,
    undefined,
  ]);
});

test('what is an agent’s own is on no door for others', async () => {
  await using other = await quietNode();
  const secret = 'the heron password';
  const { body } = await other.send('POST', '/memories', { agent: 'ada', content: secret, scope: 'agent', key: 'k' });
  const { id } = body.memory;
  await other.send('PATCH', `/memories/${id}`, { agent: 'ada', content: `${secret} again` });
  await other.send('POST', '/memories', { agent: 'ada', content: `${secret} more`, scope: 'agent', supersedes: [id] });
  const doors = [
    `/memories/${id}`,
    `/memories/${id}?version=1`,
    `/memories/${id}/versions`,
    '/memories?superseded=1',
    '/memories?agent=ada',
    '/memories?key=k&superseded=1',
    '/memory/ada',
    '/events?after=earliest',
    '/activity',
    '/snapshot',
  ];
  for (const headers of [{}, as('kai')])
    for (const door of doors)
      expect(JSON.stringify((await other.get(door, headers)).body), door).not.toMatch(
        door.includes(id) ? /heron/ : new RegExp(`heron|${id}`),
      );
  // These say less on purpose: what is addressed to the caller, and what happened without its text.
  const less = ['/events?after=earliest', '/activity', '/memories?agent=ada'];
  for (const door of doors.filter((each) => !less.includes(each)))
    expect(JSON.stringify((await other.get(door, as('ada'))).body), door).toMatch(/heron/);
  const types = async (headers: Record<string, string>) =>
    (await other.get('/activity', headers)).body.events.map(({ type }: Json) => type);
  expect(await types(as('ada'))).toEqual(['memory_superseded', 'memory_written', 'memory_changed', 'memory_written']);
  expect(await types(as('kai'))).toEqual([]);
  await other.post('kai', 'the last');
  for (const [agent, seen] of [
    ['ada', 4],
    ['kai', 0],
  ] as const) {
    await using hub = await openSocket(`${other.url}/ws?agent=${agent}`);
    hub.send({ type: 'subscribe', sid: 'a', after: 'earliest' });
    const last = await hub.next((frame) => JSON.stringify(frame).includes('the last'));
    const shown = JSON.stringify([...hub.frames, last]).match(/"type":"memory_/g) ?? [];
    expect(shown.length, agent).toBe(seen);
  }
  for (const method of ['PATCH', 'DELETE'])
    expect(told(await other.send(method, `/memories/${id}`, { agent: 'kai' }, { 'if-match': '"1"' }))).toEqual([
      404,
      'memory_not_found',
    ]);
});

test('what a deleted memory said is in no list, file, activity or snapshot', async () => {
  await using other = await quietNode();
  const { body } = await other.send('POST', '/memories', { agent: 'ada', content: 'heron one', tags: ['heron'] });
  const { id } = body.memory;
  await other.send('PATCH', `/memories/${id}`, { agent: 'ada', content: 'heron two', source: 'heron' });
  await other.send('DELETE', `/memories/${id}`, { agent: 'ada' });
  for (const door of ['/memories', '/memories?tags=heron', '/memory/ada', '/snapshot', '/activity?type=memory_deleted'])
    expect(JSON.stringify((await other.get(door)).body), door).not.toContain('heron');
  const { events } = (await other.get('/activity?type=memory_*')).body;
  expect(events.map(({ type, data }: Json) => [type, data.content])).toEqual([
    ['memory_deleted', undefined],
    ['memory_changed', undefined],
    ['memory_written', undefined],
  ]);
});

test('lists by tag and the rows of the index follow what is changed, superseded and deleted', async () => {
  await using other = await quietNode();
  const tagged = async (tag: string) =>
    (await other.get(`/memories?tags=${tag}`)).body.memories.map(({ id }: Json) => id);
  const make = async (content: string, more: object = {}) =>
    (await other.send('POST', '/memories', { agent: 'ada', content, tags: ['t', 'u'], ...more })).body.memory.id;
  const [a, b, c] = [await make('heron a'), await make('heron b'), await make('heron c')];
  expect(await tagged('t')).toEqual([c, b, a]);
  await other.send('PATCH', `/memories/${a}`, { agent: 'ada', tags: ['u', 'v'] });
  expect([await tagged('t'), await tagged('u'), await tagged('v')]).toEqual([[c, b], [c, b, a], [a]]);
  await other.send('PATCH', `/memories/${b}`, { agent: 'ada', content: 'heron again' });
  await other.send('DELETE', `/memories/${b}`, { agent: 'ada' });
  // Written and deleted before the index has either.
  const [, , gone] = await Promise.all([
    other.send('PATCH', `/memories/${c}`, { agent: 'ada', content: 'heron at once' }),
    other.send('PATCH', `/memories/${c}`, { agent: 'ada', content: 'heron and more' }),
    other.send('DELETE', `/memories/${c}`, { agent: 'ada' }),
  ]);
  expect(gone.status).toBe(200);
  expect([await tagged('t'), await tagged('u')]).toEqual([[], [a]]);
  const d = await make('replaces', { tags: ['v'], supersedes: [a] });
  expect(await tagged('v')).toEqual([d]);
  expect((await other.get('/memories?tags=v&superseded=1')).body.memories.map(({ id }: Json) => id)).toEqual([d, a]);
  const database = openDatabase(`${other.dir}/index.sqlite`, { readOnly: true });
  try {
    const rows = (table: string, column: string) =>
      database.prepare(`SELECT ${column} AS doc FROM ${table} WHERE ${column} LIKE '%heron%'`).all() as {
        doc: string;
      }[];
    expect(rows('memories', 'doc').map(({ doc }) => JSON.parse(doc).id)).toEqual([a]);
    expect(rows('memory_versions', 'doc').map(({ doc }) => JSON.parse(doc).memory)).toEqual([a, a]);
    expect(rows('activity', 'doc')).toEqual([]);
    expect(rows('embeddable', 'text')).toEqual([]);
  } finally {
    database.close();
  }
});

test('streams show memories by the topic memory, and by what the original called it', async () => {
  await using other = await quietNode();
  await other.send('POST', '/memory/ada', { content: 'by the old route' });
  await other.post('ada', 'no memory');
  for (const query of ['topics=memory', 'topics=memories', 'types=memory_written']) {
    const { events } = (await other.get(`/events?after=earliest&${query}`)).body;
    expect(events.map(({ type, data }: Json) => [type, data.agent, data.content])).toEqual([
      ['memory_written', 'ada', 'by the old route'],
    ]);
  }
});

test('a memory that is too large for one event is refused, and nothing is stored', async () => {
  const before = (await server.get('/health')).body.journal.head;
  const answer = await server.send('POST', '/memories', { agent: 'ada', content: `${'\u0001'.repeat(60_000)}x` });
  expect(told(answer)).toEqual([413, 'too_large']);
  expect((await server.get('/health')).body.journal.head).toBe(before);
});

test('the original’s routes keep their shapes', async () => {
  await using other = await quietNode();
  const before = Date.now();
  const { status, body } = await other.send('POST', '/memory/link', { content: 'Learned X.' });
  const filename = `${new Date(before).toISOString().slice(0, 10)}.md`;
  expect([status, body.success]).toEqual([200, true]);
  // The day may end while this runs.
  expect([filename, `${new Date().toISOString().slice(0, 10)}.md`]).toContain(body.filename);
  expect(body.path).toBe(`${other.dir}/views/memory/link/${body.filename}`);
  const { memories, success } = (await other.get('/memory/link')).body;
  expect(success).toBe(true);
  const [file] = memories;
  expect(file).toMatchObject({ path: body.path, filename: body.filename });
  expect(file.content).toContain('\nLearned X.\n');
  expect(file.size).toBe(Buffer.byteLength(file.content));
  expect(file.modified).toBeGreaterThanOrEqual(before);
  expect((await other.get('/memory/nobody')).body).toEqual({ success: true, memories: [] });
  const empty = await other.send('POST', '/memory/link', {});
  expect([...told(empty), empty.body.error]).toEqual([400, 'invalid_input', 'content is required']);
});

test('a retry with the same key writes nothing again, also after the server was killed', async () => {
  using directory = temporaryDirectory();
  const key = (name: string) => ({ 'idempotency-key': name });
  const write = (url: string) =>
    client(url).send('POST', '/memories', { agent: 'ada', content: 'once', key: 'k', tags: ['t'] }, key('write'));
  const append = (url: string) => client(url).send('POST', '/memory/ada', { content: 'also once' }, key('append'));
  const change = (url: string, id: string) =>
    client(url).send('PATCH', `/memories/${id}`, { agent: 'kai', content: 'twice' }, key('change'));
  let first: Json;
  let head: number;
  {
    await using running = await serverProcess({ dir: directory.path });
    const [a, b] = await Promise.all([write(running.url), write(running.url)]);
    expect([a.status, b.body.memory]).toEqual([200, a.body.memory]);
    await append(running.url);
    const changed = await change(running.url, a.body.memory.id);
    first = changed.body.memory;
    head = (await client(running.url).get('/health')).body.journal.head;
    await running.end('SIGKILL');
  }
  await using running = await serverProcess({ dir: directory.path });
  for (const again of [await write(running.url), await append(running.url), await change(running.url, first.id)])
    expect([again.status, again.headers.get('idempotent-replay')]).toEqual([200, 'true']);
  const { get, send } = client(running.url);
  expect((await get(`/memories/${first.id}`)).body.memory).toEqual(first);
  expect((await get(`/memories/${first.id}/versions`)).body.count).toBe(2);
  expect(contents(await get('/memories'))).toEqual(['also once', 'twice']);
  const events = (await get('/events?after=earliest&topics=memory&limit=100')).body.events;
  expect(events).toHaveLength(3);
  expect(head).toBeGreaterThanOrEqual(3);
  // The key is remembered over the restart as well.
  const upsert = await send('POST', '/memories', { agent: 'ada', content: 'thrice', key: 'k' });
  expect(upsert.body).toMatchObject({ action: 'updated', memory: { id: first.id, version: 3, tags: ['t'] } });
});
