import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../../tests/support/directory.ts';
import { givenMeaning, modelsOf, openMeaning, testModel } from '../../../tests/support/embeddings.ts';
import { openDatabase } from '../../store/sqlite.ts';
import { EmbeddingFailed } from './embedder.ts';
import type { Semantic } from './semantic.ts';

const complete = (semantic: Semantic) => expect.poll(() => semantic.status().pending).toBe(0);
async function indexed(semantic: Semantic, n: number): Promise<void> {
  await semantic.sync();
  await expect.poll(() => semantic.status().indexed).toBe(n);
}

async function found(semantic: Semantic, request: Parameters<Semantic['find']>[0]) {
  const answer = await semantic.find(request);
  if (answer.mode === 'lexical') throw new Error(answer.degraded);
  return answer.hits.map(({ id, matched }) => `${id} ${matched}`);
}

test('what means the same is found without a common word, and what has both comes first', async () => {
  await using meaning = givenMeaning();
  const { semantic, put, request } = meaning;
  put(
    { kind: 'memory', row: 1, text: 'we ship on Tuesdays' },
    { kind: 'memory', row: 2, text: 'the cat sleeps' },
    { kind: 'decisions', row: 9, text: 'rollout goes by region' },
  );
  await indexed(semantic, 3);
  const hits = await found(semantic, request('when is the release'));
  expect(hits.slice(0, 2)).toEqual(['decisions-9 meaning', 'memory-1 meaning']);
  expect((await found(semantic, request('ship')))[0]).toBe('memory-1 both');
});

test('documents are embedded without a search: decisions and memories first, the newest first, each text once', async () => {
  const model = testModel();
  model.gate = new Promise(() => {});
  const temp = temporaryDirectory();
  const meaning = openMeaning(temp.path, { models: modelsOf(model), restMs: 50 });
  meaning.put(
    { kind: 'tasks', row: 1, text: 'a task', at: 99 },
    { kind: 'memory', row: 1, text: 'old', at: 1 },
    { kind: 'memory', row: 2, text: 'new', at: 3 },
    { kind: 'decisions', row: 3, text: 'decided', at: 2 },
    { kind: 'memory', row: 4, text: 'new', at: 4 },
    { kind: 'messages', row: 5, text: 'hello', at: 100 },
  );
  await expect
    .poll(() => model.asked)
    .toEqual([{ texts: ['decided', 'new', 'old', 'a task'], priority: 'background' }]);
  temp[Symbol.dispose]();
  void meaning.semantic.close();
});

test('what an agent may not read is in no answer, no score and no likeness', async () => {
  await using meaning = givenMeaning();
  const { semantic, put, request } = meaning;
  put(
    { kind: 'memory', row: 1, text: 'deploy deploy with the private key', readers: ['kai'] },
    { kind: 'memory', row: 2, text: 'deploy by hand' },
  );
  await indexed(semantic, 2);
  const scores = async (agent?: string) => {
    const answer = await semantic.find(request('private deploy', agent === undefined ? {} : { agent }));
    return answer.mode === 'lexical' ? [] : answer.hits.map(({ id, score }) => [id, score]);
  };
  const strangers = await scores('rex');
  expect(strangers).toEqual(await scores());
  expect(strangers.map(([id]) => id)).toEqual(['memory-2']);
  expect((await scores('kai')).map(([id]) => id)).toEqual(['memory-1', 'memory-2']);
  expect((await semantic.similar('deploy deploy', 'memory', 'rex')).map(({ id }) => id)).toEqual(['memory-2']);
  put({ kind: 'memory', row: 1, text: '' });
  expect(await scores('rex')).toEqual(strangers);
});

test('what others may not read is not counted among what is pending for them', async () => {
  const model = testModel();
  model.gate = new Promise(() => {});
  const temp = temporaryDirectory();
  const { semantic, put, request } = openMeaning(temp.path, { models: modelsOf(model) });
  put({ kind: 'memory', row: 1, text: 'mine', readers: ['kai'] }, { kind: 'memory', row: 2, text: 'of all' });
  expect(await semantic.find(request('x', { agent: 'rex' }))).toMatchObject({ pending: 1 });
  expect(await semantic.find(request('x', { agent: 'kai' }))).toMatchObject({ pending: 2 });
  temp[Symbol.dispose]();
  void semantic.close();
});

test('the filter narrows by place and time, and so does every kind that was not asked for', async () => {
  await using meaning = givenMeaning();
  const { semantic, put, request } = meaning;
  put(
    { kind: 'memory', row: 1, text: 'ship it', place: { from: 'kai', tags: ['ops'], scope: 'team' }, at: 10 },
    { kind: 'memory', row: 2, text: 'ship it too', place: { from: 'rex', tags: ['web'], scope: 'agent' }, at: 20 },
    { kind: 'tasks', row: 1, text: 'ship the release', place: { channel: 'general', from: 'kai' }, at: 30 },
  );
  await indexed(semantic, 3);
  const ids = async (more: object) => (await found(semantic, request('ship', more))).map((hit) => hit.split(' ')[0]);
  expect(await ids({ filter: { from: 'rex' } })).toEqual(['memory-2']);
  expect(await ids({ filter: { tags: ['ops', 'other'] } })).toEqual(['memory-1']);
  expect(await ids({ filter: { scope: 'agent' } })).toEqual(['memory-2']);
  expect(await ids({ filter: { channel: 'general' } })).toEqual(['tasks-1']);
  expect((await ids({ filter: { since: 20 } })).toSorted()).toEqual(['memory-2', 'tasks-1']);
  expect(await ids({ filter: { before: 20 } })).toEqual(['memory-1']);
  expect(await ids({ in: ['tasks'] })).toEqual(['tasks-1']);
  expect(await ids({ sort: 'newest' })).toEqual(['tasks-1', 'memory-2', 'memory-1']);
});

test('several ways to say it: the best score of each counts; quoted words must be there, excluded ones must not', async () => {
  await using meaning = givenMeaning();
  const { semantic, put, request } = meaning;
  put(
    { kind: 'memory', row: 1, text: 'the cat is an animal' },
    { kind: 'memory', row: 2, text: 'we drink tea late' },
    { kind: 'memory', row: 3, text: 'we drink coffee' },
  );
  await indexed(semantic, 3);
  const ids = async (queries: string | string[]) =>
    (await found(semantic, request(queries))).map((hit) => hit.split(' ')[0]);
  expect((await ids(['dog', 'evening'])).slice(0, 2).toSorted()).toEqual(['memory-1', 'memory-2']);
  expect(await ids('drink -tea')).not.toContain('memory-2');
  expect(await ids('"drink tea"')).toEqual(['memory-2']);
  expect(await ids('coffee -"drink tea"')).toEqual(['memory-3', 'memory-1']);
  expect(await ids('"" - -"" "unclosed')).toEqual([]);
});

test('a restart embeds nothing again, and neither does an index that was made anew', async () => {
  using temp = temporaryDirectory();
  const first = openMeaning(temp.path);
  first.put({ kind: 'memory', row: 1, text: 'ship it' }, { kind: 'memory', row: 2, text: 'cat' });
  await indexed(first.semantic, 2);
  await first.semantic.close();
  first.index.close();
  rmSync(join(temp.path, 'embeddable.sqlite'));
  const model = testModel();
  const second = openMeaning(temp.path, { models: modelsOf(model) });
  second.put({ kind: 'memory', row: 7, text: 'cat' }, { kind: 'memory', row: 8, text: 'ship it' });
  expect(await found(second.semantic, second.request('animal'))).toContain('memory-7 meaning');
  expect(second.semantic.status()).toMatchObject({ indexed: 2, pending: 0 });
  expect(model.asked).toEqual([{ texts: ['animal'], priority: 'query' }]);
  await second.semantic.close();
  second.index.close();
});

test('another model embeds everything in the background while the one before it answers', async () => {
  using temp = temporaryDirectory();
  const old = testModel('old');
  const meaning = openMeaning(temp.path, { models: modelsOf(old) });
  const { put, request } = meaning;
  put({ kind: 'memory', row: 1, text: 'ship it' }, { kind: 'memory', row: 2, text: 'cat' });
  await indexed(meaning.semantic, 2);
  await meaning.semantic.close();

  let open = () => {};
  const next = testModel('next', 12);
  next.gate = new Promise((resolve) => (open = resolve));
  const changed = meaning.reopen({ models: modelsOf(next, old) });
  expect(await changed.find(request('release'))).toMatchObject({ mode: 'hybrid', model: 'old', pending: 2 });
  expect(changed.status()).toMatchObject({ model: 'next', indexed: 0, pending: 2 });
  open();
  await complete(changed);
  await expect.poll(async () => (await changed.find(request('release'))) as object).toMatchObject({ model: 'next' });
  expect(await changed.find(request('release'))).toMatchObject({ mode: 'hybrid', model: 'next', pending: 0 });
  expect(old.closed).toBe(true);
  await changed.close();
  meaning.index.close();
});

test('a model before that fails gives way to what the new one has', async () => {
  using temp = temporaryDirectory();
  const old = testModel('old');
  const meaning = openMeaning(temp.path, { models: modelsOf(old) });
  meaning.put({ kind: 'memory', row: 1, text: 'ship it' });
  await indexed(meaning.semantic, 1);
  await meaning.semantic.close();
  old.failure = new EmbeddingFailed('it is gone');
  const next = testModel('next');
  const changed = meaning.reopen({ models: modelsOf(next, old), restMs: 60_000 });
  expect(await changed.find(meaning.request('x'))).toEqual({ mode: 'lexical', pending: 1, degraded: 'it is gone' });
  expect(await changed.find(meaning.request('x'))).toMatchObject({ mode: 'lexical', pending: 1 });
  await changed.close();
  meaning.index.close();
});

test('without a model, without vectors yet and with a model that is late, it says so', async () => {
  const model = testModel();
  await using none = givenMeaning({ models: { set: undefined, none: 'no model is set', named: () => undefined } });
  none.put({ kind: 'memory', row: 1, text: 'ship it' });
  expect(await none.semantic.find(none.request('x'))).toEqual({
    mode: 'lexical',
    pending: 0,
    degraded: 'no model is set',
    usual: true,
  });
  expect(none.semantic.status()).toEqual({ model: null, indexed: 0, pending: 0 });
  expect(await none.semantic.similar('ship it', 'memory', undefined)).toEqual([]);

  await using late = givenMeaning({ models: modelsOf(model), patienceMs: 20 });
  late.put({ kind: 'memory', row: 1, text: 'ship it' });
  await indexed(late.semantic, 1);
  model.gate = new Promise(() => {});
  const answer = await late.semantic.find(late.request('release'));
  expect(answer).toMatchObject({
    mode: 'lexical',
    pending: 0,
    degraded: expect.stringContaining('did not answer in time'),
  });
  expect(late.semantic.status()).not.toHaveProperty('error');
  expect(await late.semantic.similar('release', 'memory', undefined)).toEqual([]);
});

test('a model that fails is told everywhere, and forgotten when it works again', async () => {
  const model = testModel();
  await using meaning = givenMeaning({ models: modelsOf(model) });
  const { semantic, put, request } = meaning;
  put({ kind: 'memory', row: 1, text: 'ship it' });
  await indexed(semantic, 1);
  model.failure = new EmbeddingFailed('the endpoint is down', { retryAfter: 1 });
  put({ kind: 'memory', row: 2, text: 'cat' });
  const degraded = 'the endpoint is down';
  expect(await semantic.find(request('release'))).toEqual({ mode: 'lexical', pending: 1, degraded });
  await expect.poll(() => semantic.error).toBe(degraded);
  expect(semantic.status()).toEqual({ model: 'senses', indexed: 1, pending: 1, error: degraded });
  model.failure = undefined;
  await complete(semantic);
  expect(semantic.error).toBeUndefined();
  expect(await semantic.find(request('release'))).toMatchObject({ mode: 'hybrid', pending: 0 });
});

test('one text that a model refuses is left, and the others are embedded', async () => {
  const model = testModel();
  const { embed } = model;
  model.embed = async (texts, priority) => {
    if (texts.some((text) => text.includes('poison'))) throw new EmbeddingFailed('refused', { ofTexts: true });
    return embed(texts, priority);
  };
  await using meaning = givenMeaning({ models: modelsOf(model) });
  const { semantic, put } = meaning;
  put(...[1, 2, 3, 4, 5].map((row) => ({ kind: 'memory' as const, row, text: row === 3 ? 'poison' : `cat ${row}` })));
  await indexed(semantic, 4);
  await expect.poll(() => semantic.error).toContain('1 texts have no vector');
  expect(semantic.status().pending).toBe(1);
  put({ kind: 'memory', row: 3, text: 'mended' });
  await indexed(semantic, 5);
  expect(semantic.error).toBeUndefined();
});

test.each([
  ['no database', 'this is no database at all, however long it is'.repeat(200)],
  ['empty', ''],
])('a file of vectors that is %s is made anew', async (_, content) => {
  using temp = temporaryDirectory();
  writeFileSync(join(temp.path, 'vectors.sqlite'), content);
  const meaning = openMeaning(temp.path);
  meaning.put({ kind: 'memory', row: 1, text: 'ship it' });
  await indexed(meaning.semantic, 1);
  expect(meaning.semantic.error).toBeUndefined();
  await meaning.semantic.close();
  const again = meaning.reopen();
  await again.sync();
  expect(again.status()).toMatchObject({ indexed: 1, pending: 0 });
  await again.close();
  meaning.index.close();
});

test('a file that cannot be written is told, answers go on, and it is written when it can be', async () => {
  using temp = temporaryDirectory();
  const blocker = openDatabase(join(temp.path, 'vectors.sqlite'));
  const meaning = openMeaning(temp.path);
  blocker.exec('BEGIN EXCLUSIVE');
  meaning.put({ kind: 'memory', row: 1, text: 'ship it' });
  await indexed(meaning.semantic, 1);
  await expect.poll(() => meaning.semantic.error).toContain("the vectors' file fails: database is locked");
  expect(await meaning.semantic.find(meaning.request('release'))).toMatchObject({ mode: 'hybrid', pending: 0 });
  blocker.exec('ROLLBACK');
  blocker.close();
  await expect.poll(() => meaning.semantic.error, { timeout: 10_000 }).toBeUndefined();
  await meaning.semantic.close();
  const stored = openDatabase(join(temp.path, 'vectors.sqlite'));
  expect(stored.prepare('SELECT count(*) AS n FROM vector').get()).toEqual({ n: 1 });
  stored.close();
  meaning.index.close();
});

test('likeness is reported at most five times, nearest first', async () => {
  await using meaning = givenMeaning();
  const { semantic, put } = meaning;
  put(
    ...[1, 2, 3, 4, 5, 6, 7].map((row) => ({ kind: 'memory' as const, row, text: `ship it ${'ship '.repeat(row)}` })),
  );
  put({ kind: 'memory', row: 8, text: 'the cat' });
  await indexed(semantic, 8);
  const near = await semantic.similar('release', 'memory', undefined);
  expect(near).toHaveLength(5);
  expect(near.map(({ similarity }) => similarity)).toEqual(
    near.map(({ similarity }) => similarity).toSorted((a, b) => b - a),
  );
  expect(await semantic.similar('release', 'tasks', undefined)).toEqual([]);
});

test('a text whose likes were just looked for is not given to the model again', async () => {
  const model = testModel();
  await using meaning = givenMeaning({ models: modelsOf(model) });
  const { semantic, put } = meaning;
  put({ kind: 'memory', row: 1, text: 'ship it' });
  await indexed(semantic, 1);
  expect(await semantic.similar('release it', 'memory', undefined)).toMatchObject([{ id: 'memory-1' }]);
  put({ kind: 'memory', row: 2, text: 'release it' });
  await indexed(semantic, 2);
  expect(model.asked.map(({ texts }) => texts)).toEqual([['ship it'], ['release it']]);
});

test('a text that changes while the model reads it never gets the vector of the other', async () => {
  const model = testModel();
  let open = () => {};
  await using meaning = givenMeaning({ models: modelsOf(model) });
  const { semantic, put, request } = meaning;
  model.gate = new Promise((resolve) => (open = resolve));
  put({ kind: 'memory', row: 1, text: 'the cat' });
  await semantic.sync();
  await expect.poll(() => model.asked.length).toBe(1);
  put({ kind: 'memory', row: 1, text: 'we ship it' });
  open();
  await indexed(semantic, 1);
  const near = await semantic.similar('we ship it', 'memory', undefined);
  expect(near).toEqual([{ id: 'memory-1', similarity: expect.closeTo(1) }]);
  expect(await semantic.similar('the cat', 'memory', undefined)).toEqual([]);
  expect(await found(semantic, request('the cat'))).toEqual(['memory-1 meaning']);
});
