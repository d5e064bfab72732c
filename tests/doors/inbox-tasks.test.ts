import { describe, expect, test } from 'vitest';
import { type Json, quietNode, type TestNode } from '../support/node.ts';

async function created(server: TestNode, fields: object = {}): Promise<string> {
  const { body } = await server.send('POST', '/tasks', { title: 'Mend it', createdBy: 'link', ...fields });
  return body.task.id;
}

async function commented(server: TestNode, task: string, author: string, content: string): Promise<string> {
  const { status, body } = await server.send('POST', `/tasks/${task}/comments`, { author, content });
  expect(status).toBe(200);
  return body.comment.id;
}

const change = (server: TestNode, id: string, fields: object) =>
  server.send('PATCH', `/tasks/${id}`, { agent: 'link', ...fields });

/** What an agent is told, the newest first, but for what it was given. */
async function told(server: TestNode, agent: string): Promise<string[]> {
  const { messages } = (await server.get(`/inbox/${agent}?peek=1`)).body;
  return messages
    .filter(({ reason }: Json) => reason !== 'assigned')
    .map(({ reason, content }: Json) => `${reason}: ${content}`);
}

describe('a comment on a task', () => {
  test('comes to who does, made and reviews it, and to who has spoken there; to nobody else', async () => {
    await using server = await quietNode();
    const id = await created(server, { assignee: 'kai', reviewer: 'pixel' });
    await commented(server, id, 'scout', 'one');
    await commented(server, id, 'kai', 'two');
    expect(await told(server, 'kai')).toEqual(['thread: one']);
    for (const agent of ['link', 'pixel']) expect(await told(server, agent)).toEqual(['thread: two', 'thread: one']);
    expect(await told(server, 'scout')).toEqual(['thread: two']);
    expect(await told(server, 'stranger')).toEqual([]);
    await commented(server, id, 'link', '@kai three');
    expect((await told(server, 'kai'))[0]).toBe('mention: @kai three');
  });

  test('is for whoever does it by then', async () => {
    await using server = await quietNode();
    const id = await created(server, { assignee: 'kai' });
    await change(server, id, { assignee: 'pixel' });
    await commented(server, id, 'link', 'one');
    expect([await told(server, 'kai'), await told(server, 'pixel')]).toEqual([[], ['thread: one']]);
  });

  test('that is deleted is unread no more', async () => {
    await using server = await quietNode();
    const task = await created(server, { reviewer: 'kai' });
    const unread = async () => (await server.get('/inbox/kai/unread')).body.count;
    const id = await commented(server, task, 'link', 'one');
    expect(await unread()).toBe(1);
    await server.send('DELETE', `/chat/messages/${id}`, { from: 'link' });
    expect([await unread(), await told(server, 'kai')]).toEqual([0, []]);
  });

  test('on a task of nobody in particular is for nobody', async () => {
    await using server = await quietNode();
    const id = await created(server, { createdBy: 'pixel' });
    await commented(server, id, 'pixel', 'to myself');
    const { body } = await server.get(`/chat/messages?channel=task:${id}`);
    expect(body.messages[0].notify).toBeUndefined();
  });
});

describe('a review', () => {
  test('is asked of the reviewer whom the same change names', async () => {
    await using server = await quietNode();
    const id = await created(server, { reviewer: 'kai' });
    await change(server, id, { status: 'validating', reviewer: 'pixel' });
    expect([await told(server, 'kai'), await told(server, 'pixel')]).toEqual([
      [],
      ['review: Your review is asked: Mend it'],
    ]);
  });

  test('is asked of nobody where the same change takes the reviewer away', async () => {
    await using server = await quietNode();
    const id = await created(server, { reviewer: 'kai' });
    await change(server, id, { status: 'validating', reviewer: null });
    expect(await told(server, 'kai')).toEqual([]);
  });

  test('is asked where a task is created to be reviewed', async () => {
    await using server = await quietNode();
    await created(server, { reviewer: 'kai', status: 'validating' });
    expect(await told(server, 'kai')).toEqual(['review: Your review is asked: Mend it']);
  });

  test.each([
    ['approve', 'approved'],
    ['reject', 'rejected'],
  ])('with the word %s is told to who did the work', async (verdict, said) => {
    await using server = await quietNode();
    const id = await created(server, { assignee: 'kai', reviewer: 'pixel', status: 'validating' });
    await server.send('POST', `/tasks/${id}/review`, { by: 'pixel', verdict });
    expect(await told(server, 'kai')).toEqual([`reviewed: Your work was reviewed: Mend it (${said})`]);
    expect(await told(server, 'link')).toEqual([]);
  });
});
