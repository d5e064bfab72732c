/** What is written on top of the file, in the table `about`. */
export const ABOUT = `
-- What this file is. Read it with any SQLite tool; nothing writes to it again.
CREATE TABLE about (key TEXT PRIMARY KEY, value) WITHOUT ROWID`;

/** A column of the file: its definition with a comment, and its value out of an entity. */
interface Column {
  name: string;
  type: string;
  comment: string;
  /** A field of the entity, or what is made of it. */
  from: string | ((entity: Entity) => unknown);
}

export type Entity = Readonly<Record<string, unknown>>;

/** A table of the file, and what of its rows can be searched. */
export interface Table {
  name: string;
  comment: string;
  columns: readonly Column[];
  /** Columns of its full-text index `<name>_fts`. */
  searched: readonly string[];
}

function iso(field: string): (entity: Entity) => unknown {
  return ({ [field]: at }) => (typeof at === 'number' ? toIso(at) : null);
}

function toIso(at: number): string | null {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

const text = (name: string, comment: string, from: Column['from'] = name): Column => ({
  name,
  type: 'TEXT',
  comment,
  from,
});
const number = (name: string, comment: string, from: Column['from'] = name): Column => ({
  name,
  type: 'INTEGER',
  comment,
  from,
});

export const TABLES: readonly Table[] = [
  {
    name: 'messages',
    comment: 'What was said, without what was deleted. Times are milliseconds since 1970.',
    columns: [
      number('seq', 'the event that posted it: the order in which things were said'),
      text('id', 'msg-…'),
      text('channel', 'a name; task:<id> for comments on a task; dm:<a>:<b> for direct messages'),
      text('sender', 'who said it', 'from'),
      text('recipient', 'to whom, where it is a direct message', 'to'),
      text('content', 'the text'),
      number('timestamp', 'when'),
      text('time', 'the same as ISO 8601', iso('timestamp')),
      text('thread', 'id of the message that it answers', 'threadId'),
      number('reply_count', 'answers to it', ({ replyCount = 0 }) => replyCount),
      text('reactions', 'JSON: emoji → agents'),
      text('mentions', 'JSON: agents that the text names'),
      text('attachments', 'JSON'),
      text('metadata', 'JSON'),
      number('edited_at', 'when its text was last changed', 'editedAt'),
    ],
    searched: ['content'],
  },
  {
    name: 'tasks',
    comment: 'Work that is to be done, was done, or was given up. Times are milliseconds since 1970.',
    columns: [
      number('number', 'its place in the order of creation'),
      text('id', 'task-…'),
      text('title', ''),
      text('description', ''),
      text('status', 'todo, doing, blocked, validating, done, cancelled'),
      text('priority', 'P0 is the most urgent'),
      text('assignee', 'who is to do it'),
      text('reviewer', 'whose approval it needs'),
      text('created_by', '', 'createdBy'),
      number('created_at', '', 'createdAt'),
      text('created', 'the same as ISO 8601', iso('createdAt')),
      number('updated_at', '', 'updatedAt'),
      number('completed_at', '', 'completedAt'),
      number('due', 'when it must be done'),
      text('channel', 'the channel that it belongs to'),
      text('parent', 'id of the task that it is a part of'),
      text('epic', '', 'epic_id'),
      text('blocked_by', 'JSON: ids of the tasks that must be done before'),
      text('tags', 'JSON'),
      text('blocked_reason', 'why it waits for a person'),
      text('result', 'JSON: what came of it', ({ result }) => (result === undefined ? null : JSON.stringify(result))),
      text('metadata', 'JSON'),
    ],
    searched: ['title', 'description'],
  },
  {
    name: 'memories',
    comment: 'What is to be remembered, without what was deleted: its last version. Times are milliseconds since 1970.',
    columns: [
      number('seq', 'the event that wrote it first'),
      text('id', 'memory-…'),
      text('agent', 'who wrote it first, and whose it is'),
      text('scope', 'team: everybody’s; agent: its agent’s own'),
      text('key', 'a name by which it is written again'),
      text('content', ''),
      text('tags', 'JSON'),
      text('source', 'where it is from'),
      number('version', ''),
      number('created_at', '', 'createdAt'),
      text('created', 'the same as ISO 8601', iso('createdAt')),
      number('updated_at', '', 'updatedAt'),
      text('updated_by', '', 'updatedBy'),
      text('superseded_by', 'id of the memory that replaces it', 'supersededBy'),
    ],
    searched: ['key', 'content'],
  },
];

/** The statements that make a table and its full-text index; the comments stay in the file (`.schema` shows them). */
export function createTable({ name, comment, columns, searched }: Table): string {
  const lines = columns.map(({ name, type, comment }, i) => {
    const constraint = i === 0 ? ' PRIMARY KEY' : i === 1 ? ' NOT NULL UNIQUE' : '';
    return `  ${name} ${type}${constraint}${i === columns.length - 1 ? '' : ','}${comment === '' ? '' : ` -- ${comment}`}`;
  });
  return `
CREATE TABLE ${name} ( -- ${comment}
${lines.join('\n')}
);
CREATE VIRTUAL TABLE ${name}_fts USING fts5(${searched.join(', ')}, content='${name}', content_rowid='${columns[0]?.name}', tokenize="unicode61 remove_diacritics 2")`;
}

/** The values of a row. */
export function valuesOf({ columns }: Table, entity: Entity): (string | number | null)[] {
  return columns.map(({ from }) => {
    const value = typeof from === 'string' ? entity[from] : from(entity);
    if (value === undefined || value === null) return null;
    return typeof value === 'string' || typeof value === 'number' ? value : JSON.stringify(value);
  });
}
