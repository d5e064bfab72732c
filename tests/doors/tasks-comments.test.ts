import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Json, type TestNode, testNode } from '../support/node.ts';
import { openStream } from '../support/sse.ts';

let server: TestNode;
beforeAll(async () => {
  server = await testNode();
});
afterAll(() => server[Symbol.asyncDispose]());

const create = async (): Promise<string> =>
  (await server.send('POST', '/tasks', { title: 'x', createdBy: 'link' })).body.task.id;
const say = async (id: string, author: string, content: string): Promise<Json> =>
  (await server.send('POST', `/tasks/${id}/comments`, { author, content })).body;
const contents = ({ body }: { body: Json }) => body.messages.map(({ content }: Json) => content);

test('a comment is answered {success, comment}, and listed {comments, count}', async () => {
  const id = await create();
  const { success, comment } = await say(id, 'kai', 'hello');
  expect([success, comment]).toEqual([
    true,
    {
      id: expect.stringMatching(/^msg-/),
      taskId: id,
      author: 'kai',
      from: 'kai',
      content: 'hello',
      timestamp: expect.any(Number),
      channel: `task:${id}`,
      notify: ['link'],
      reactions: {},
      seq: expect.any(Number),
    },
  ]);
  expect((await server.get(`/tasks/${id}/comments`)).body).toEqual({
    comments: [{ ...comment, replyCount: 0 }],
    count: 1,
  });
  const refused = await server.send('POST', `/tasks/${id}/comments`, { content: 'x' });
  expect([refused.status, refused.body.error]).toEqual([400, 'author and content are required']);
});

test('a comment is a message like any other: posted, found, shown, answered, reacted to, edited and deleted', async () => {
  const id = await create();
  const { comment } = await say(id, 'kai', 'a needle of a comment');
  const message = `/chat/messages/${comment.id}`;
  expect((await server.get(message)).body.message.channel).toBe(`task:${id}`);
  expect(contents(await server.get('/chat/search?q=needle'))).toEqual([comment.content]);
  const posted = await server.post('pixel', 'said in chat', { channel: `task:${id}` });
  const reply = await server.post('pixel', 'an answer', { threadId: comment.id });
  expect(reply.channel).toBe(`task:${id}`);
  const { body } = await server.send('POST', `${message}/react`, { from: 'pixel', emoji: '👍' });
  expect(body.message.reactions).toEqual({ '👍': ['pixel'] });
  await server.send('PATCH', message, { from: 'kai', content: 'edited' });
  await server.send('DELETE', `/chat/messages/${posted.id}`, { from: 'pixel' });
  const { comments, count } = (await server.get(`/tasks/${id}/comments`)).body;
  expect(comments).toMatchObject([
    { content: 'edited', replyCount: 1 },
    { author: 'pixel', content: 'an answer' },
  ]);
  expect(count).toBe(2);
});

test('the channel of a task shows what was said and what was done; lists of everything show no notes', async () => {
  const id = await create();
  await server.send('POST', `/tasks/${id}/claim`, { agent: 'kai' });
  await say(id, 'kai', 'half done');
  await server.send('POST', `/tasks/${id}/complete`, { agent: 'kai' });
  const thread = contents(await server.get(`/chat/messages?channel=task:${id}`));
  expect(thread).toEqual([expect.stringContaining('claimed'), 'half done', expect.stringContaining('completed')]);
  expect(contents(await server.get(`/tasks/${id}/thread`))).toEqual(thread);
  const { messages } = (await server.get('/chat/messages?limit=1000')).body;
  expect(messages.filter(({ from }: Json) => from === 'system')).toEqual([]);
  expect((await server.get('/chat/search?q=claimed')).body.count).toBe(0);
  const { channels } = (await server.get('/chat/channels')).body;
  expect(channels.filter(({ channel }: Json) => channel.startsWith('task:'))).toEqual([]);
});

test('nothing is said in the thread of a task that is not there, or not any more', async () => {
  const gone = await create();
  const { comment } = await say(gone, 'kai', 'hello');
  await server.send('DELETE', `/tasks/${gone}`);
  for (const [id, status] of [
    ['task-none', 404],
    [gone, 410],
  ] as const)
    for (const [path, body] of [
      [`/tasks/${id}/comments`, { author: 'kai', content: 'x' }],
      ['/chat/messages', { from: 'kai', content: 'x', channel: `task:${id}` }],
    ] as const) {
      const answer = await server.send('POST', path, body);
      expect([answer.status, answer.body.error]).toEqual([status, 'Task not found']);
    }
  const late = await server.send('POST', '/chat/messages', { from: 'kai', content: 'x', threadId: comment.id });
  expect(late.status).toBe(410);
});

test('who follows the channel of a task is shown its comments as they come', async () => {
  const [id, other] = [await create(), await create()];
  await using stream = await openStream(`${server.url}/events?channels=task:${id}&types=message_posted`);
  await say(other, 'kai', 'elsewhere');
  const { comment } = await say(id, 'kai', 'here');
  const { data } = await stream.next(({ event }) => event === 'message_posted');
  expect(data.data).toMatchObject({ id: comment.id, content: 'here' });
});
