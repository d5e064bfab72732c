import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { type Json, quietNode } from '../support/node.ts';
import { copyJournal } from './support.ts';

const FIXTURE = fileURLToPath(new URL('../fixtures/memory-v1', import.meta.url));

test('memories in a journal as the first version with memory wrote it are read whole, and go on', async () => {
  using temp = temporaryDirectory();
  copyJournal(FIXTURE, join(temp.path, 'journal'));
  await using server = await quietNode({ dir: temp.path });
  const { memories } = (await server.get('/memories?superseded=1', { 'x-agent': 'ada' })).body;
  expect(
    memories.map(({ content, version, agent, updatedBy, scope }: Json) => [content, version, agent, updatedBy, scope]),
  ).toEqual([
    ['On Fridays, and only then.', 1, 'kai', 'kai', 'team'],
    ['by the old route', 1, 'link', 'link', 'team'],
    ['mine alone', 1, 'ada', 'ada', 'agent'],
    ['We deploy on Wednesdays.', 3, 'ada', 'ada', 'team'],
  ]);
  const [newest, , , first] = memories;
  expect([newest.supersedes, first.supersededBy]).toEqual([[first.id], newest.id]);
  expect([first.tags, first.source]).toEqual([['deploy', 'week'], undefined]);
  const { versions } = (await server.get(`/memories/${first.id}/versions`)).body;
  expect(versions.map(({ content, tags, source, agent }: Json) => [content, tags, source, agent])).toEqual([
    ['We deploy on Wednesdays.', ['deploy', 'week'], undefined, 'ada'],
    ['We deploy on Wednesdays.', ['deploy'], 'a meeting', 'link'],
    ['We deploy on Tuesdays.', ['deploy'], 'a meeting', 'ada'],
  ]);
  expect((await server.get('/memories/memory-1779012000005-000000003')).body.code).toBe('memory_deleted');
  const retry = {
    agent: 'ada',
    content: 'We deploy on Tuesdays.',
    key: 'deploy.day',
    tags: ['deploy'],
    source: 'a meeting',
  };
  const again = await server.send('POST', '/memories', retry, { 'idempotency-key': 'one' });
  expect([again.headers.get('idempotent-replay'), again.body.memory.id]).toEqual(['true', first.id]);
  const upsert = await server.send('POST', '/memories', { agent: 'link', content: 'Never.', key: 'deploy.day' });
  expect(upsert.body).toMatchObject({ action: 'updated', memory: { id: newest.id, version: 2 } });
});
