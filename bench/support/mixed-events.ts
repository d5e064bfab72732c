import type { Event } from '../../src/kernel/event.ts';
import { messagePosted } from './messages.ts';

const TASKS = 100;

/** The `seq`-th event of a history in which six of ten are posts, one is a direct message, one a reaction, two are of tasks. */
export function mixedEvent(seq: number, at: number): Event {
  if (seq <= TASKS) return taskCreated(seq, at);
  const kind = seq % 10;
  if (kind === 7) return directMessage(seq, at);
  if (kind === 8) return reacted(seq, at);
  return kind === 9 || kind === 0 ? taskUpdated(seq, at) : messagePosted(seq, at);
}

function directMessage(seq: number, at: number): Event {
  const [from, to, channel] = seq % 20 === 7 ? ['link', 'scout', 'dm:link:scout'] : ['kai', 'echo', 'dm:echo:kai'];
  const { data, ...post } = messagePosted(seq, at, channel);
  return { ...post, actor: from as string, data: { ...data, from, to } };
}

function reacted(seq: number, at: number): Event {
  // The post three events before is one of the public ones.
  const post = messagePosted(seq - 3, at - 3);
  const { id, channel } = post.data as { id: string; channel: string };
  const data = { id, channel, emoji: '👍', agent: 'harmony', added: true };
  return { seq, at, type: 'message_reacted', actor: 'harmony', subject: id, data };
}

function taskCreated(seq: number, at: number): Event {
  const id = `task-${seq}`;
  const data = { id, title: `Task ${seq}`, status: 'todo', createdBy: 'kai', createdAt: at, updatedAt: at, seq };
  return { seq, at, type: 'task_created', actor: 'kai', subject: id, data };
}

function taskUpdated(seq: number, at: number): Event {
  const id = `task-${(seq % TASKS) + 1}`;
  const actor = seq % 1_000 === 9 ? 'rhythm' : 'kai';
  const priority = `P${seq % 4}`;
  const data = { id, title: `Task ${id}`, status: 'todo', changes: { priority }, was: { priority: 'P0' } };
  return { seq, at, type: 'task_updated', actor, subject: id, data };
}
