import { describe, expect, test } from 'vitest';
import type { Scene } from '../../../tests/support/given.ts';
import type { Json } from '../../../tests/support/node.ts';
import { board, claimed, play } from '../../../tests/support/tasks.ts';

const say = (scene: Scene, author: string, content: string, more: object = {}) =>
  scene.when('tasks.comment', { id: 'a', author, content, ...more });
const contents = (messages: Json[]) => messages.map(({ content }) => content);

describe('a comment', () => {
  test('is a message in the thread of its task', () => {
    const { events, answer, after } = say(board('a'), 'kai', 'hello', { metadata: { a: 1 } });
    expect(events.map(({ type }) => type)).toEqual(['channel_created', 'message_posted']);
    const message = after.entity('messages', answer.comment.id);
    expect(message).toMatchObject({ from: 'kai', channel: 'task:a', content: 'hello', metadata: { a: 1 } });
    expect(answer).toEqual({ success: true, comment: { ...message, author: 'kai', taskId: 'a' } });
    expect(say(after, 'pixel', 'hi').events.map(({ type }) => type)).toEqual(['message_posted']);
  });

  test('may answer another of the same task, and no message elsewhere', () => {
    const first = say(board('a', 'b'), 'kai', 'hello');
    const { id } = first.answer.comment;
    expect(say(first.after, 'pixel', 'hi', { threadId: id }).answer.comment.threadId).toBe(id);
    first.after
      .when('tasks.comment', { id: 'b', author: 'pixel', content: 'hi', threadId: id })
      .thenRefused('thread_in_other_channel');
  });

  test('needs an author, and text or an attachment', () => {
    for (const input of [{ content: 'x' }, { author: 'kai' }, { author: 'kai', content: '' }])
      board('a')
        .when('tasks.comment', { id: 'a', ...input })
        .thenRefused('invalid_input', 'author and content are required');
    expect(say(board('a'), 'kai', '', { attachments: [{ name: 'log' }] }).answer.comment.content).toBe('');
  });

  test('is on a task that is there, by whichever way it comes', async () => {
    const gone = play(board('a'), ['delete', { id: 'a' }]);
    for (const [scene, code] of [
      [board(), 'task_not_found'],
      [gone, 'task_deleted'],
    ] as const) {
      say(scene, 'kai', 'x').thenRefused(code, 'Task not found');
      scene.when('messages.send', { from: 'kai', content: 'x', channel: 'task:a' }).thenRefused(code, 'Task not found');
      for (const operation of ['comments', 'thread'])
        await expect(scene.asks(`tasks.${operation}`, { id: 'a' })).rejects.toMatchObject({ code });
    }
    const { answer, after } = say(board('a'), 'kai', 'x');
    const { id } = answer.comment;
    play(after, ['delete', { id: 'a' }])
      .when('messages.send', { from: 'kai', content: 'a late answer', threadId: id })
      .thenRefused('task_deleted', 'Task not found');
  });
});

describe('the comments of a task', () => {
  const scene = [1, 2, 3].reduce((before, n) => say(before, 'kai', `c${n}`).after, board('a', 'b'));

  test('are the newest, oldest first, and go on towards older ones', async () => {
    const first = await scene.asks('tasks.comments', { id: 'a', limit: 2 });
    expect([contents(first.comments), first.count, first.more]).toEqual([['c2', 'c3'], 3, true]);
    const rest = await scene.asks('tasks.comments', { id: 'a', limit: 2, cursor: first.cursor });
    expect([contents(rest.comments), rest.more]).toEqual([['c1'], undefined]);
  });

  test('are without notes and deleted ones, and counted so', async () => {
    const { scene: busy } = claimed(scene, 'a', 'pixel');
    const [{ id }] = (await busy.asks('tasks.comments', { id: 'a' })).comments;
    const { comments, count } = await busy
      .when('messages.delete', { id, from: 'kai' })
      .after.asks('tasks.comments', { id: 'a' });
    expect([contents(comments), count]).toEqual([['c2', 'c3'], 2]);
    expect(await busy.asks('tasks.comments', { id: 'b' })).toEqual({ comments: [], count: 0 });
  });

  test('show the asked fields alone, by the names that they have here', async () => {
    const { comments } = await scene.asks('tasks.comments', { id: 'a', limit: 1, fields: 'author,content' });
    expect(comments).toEqual([{ author: 'kai', content: 'c3' }]);
  });
});

describe('the thread of a task', () => {
  const commented = say(
    claimed(board(['a', { reviewer: 'sage' }], ['b', { blocked_by: ['a'] }]), 'a', 'kai').scene,
    'kai',
    'half done',
  ).after;
  const scene = play(
    commented,
    ['update', { id: 'a', title: 'Not shown' }],
    ['complete', { id: 'a', agent: 'kai' }],
    ['review', { id: 'a', by: 'sage', verdict: 'reject', comment: 'red' }],
    ['claim', { id: 'a', agent: 'kai' }],
    ['release', { id: 'a', agent: 'kai', reason: 'no time' }],
    ['update', { id: 'a', agent: 'pixel', status: 'validating' }],
    ['review', { id: 'a', by: 'sage', verdict: 'approve' }],
  );

  test('holds what was said, and between it who claimed it, gave it back or judged it, and where it went', async () => {
    const { messages } = await scene.asks('tasks.thread', { id: 'a' });
    expect(messages.map(({ from, content }: Json) => `${from}: ${content}`)).toEqual([
      'system: kai claimed this: todo → doing',
      'kai: half done',
      'system: kai completed this: doing → validating (completed)',
      'system: sage reviewed this: validating → todo (red)',
      'system: kai claimed this: todo → doing',
      'system: kai gave this back: doing → todo (no time)',
      'system: pixel moved this: todo → validating',
      'system: sage reviewed this: validating → done (approved)',
    ]);
    expect((await scene.asks('messages.list', { channel: 'task:a' })).messages).toEqual(messages);
  });

  test('tells of a holder that gave no sign of life, of a failure, and of what stands in the way no more', async () => {
    const expired = claimed(scene, 'b', 'kai').scene.later(900_000).whenDue().after;
    const failed = play(
      expired,
      ['claim', { id: 'b', agent: 'kai' }],
      ['fail', { id: 'b', agent: 'kai', reason: 'red' }],
    );
    expect(contents((await failed.asks('tasks.thread', { id: 'b' })).messages)).toEqual([
      'sage unblocked this',
      'kai claimed this: todo → doing',
      'system ended the claim: doing → todo (kai gave no sign of life for 900 s)',
      'kai claimed this: todo → doing',
      'kai failed: doing → todo (red)',
    ]);
  });

  test('goes on towards older ones', async () => {
    const all = contents((await scene.asks('tasks.thread', { id: 'a' })).messages);
    const walked: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await scene.asks('tasks.thread', { id: 'a', limit: 2, cursor });
      walked.unshift(...contents(page.messages));
      if (!page.more) break;
      cursor = page.cursor;
    }
    expect(walked).toEqual(all);
  });

  test('is shown where it is asked for, and its notes nowhere else', async () => {
    const all = await scene.asks('messages.list', {});
    expect(contents(all.messages)).toEqual(['half done']);
  });
});
