import type { ToolSpec } from '../transports/mcp/surface.ts';
import { indented, type MessageLike, messageLine, moreLine, paged } from './lines.ts';

interface Page {
  more?: boolean;
  cursor?: string;
}

interface Snippet {
  text: string;
}

interface Found extends Page {
  results?: { kind: string; id: string; matched: string; snippet: Snippet }[];
  messages?: MessageLike[];
}

const MORE = { says: 'An earlier `next_cursor`.', schema: { type: 'string' } };

const search: ToolSpec = {
  name: 'search',
  description:
    'Find what was said, done or decided: messages, tasks, memories and decisions, by words and by meaning, the best first.',
  effect: 'reads',
  operations: ['search.find', 'messages.search'],
  arguments: {
    q: 'What you look for.',
    in: { says: 'Only these, comma-separated: messages, tasks, memory, decisions.', schema: { type: 'string' } },
    channel: 'Only in this channel.',
    from: 'Only by this agent.',
    limit: 'Results at most; 10 unless said.',
    cursor: MORE,
  },
  required: ['q'],
  lists: ['results', 'messages'],
  plan({ limit = 10, ...rest }, operations) {
    return operations.has('search.find')
      ? { operation: 'search.find', input: { ...rest, limit, compact: true } }
      : { operation: 'messages.search', input: { ...rest, limit } };
  },
  tell(answer: Found) {
    const lines =
      answer.results?.map(({ id, kind, snippet }) => `[${id}] ${kind}: ${indented(snippet.text)}`) ??
      answer.messages?.map(messageLine) ??
      [];
    return { fields: paged(answer), lines: lines.length > 0 ? [...lines, ...moreLine(answer)] : ['nothing found'] };
  },
};

interface Memory {
  id: string;
  agent?: string;
  key?: string;
  tags?: string[];
  version?: number;
  content?: string;
}

interface Written {
  memory: Memory;
  action: string;
  similar: { id: string; similarity: number; agent: string; content: string; key?: string }[];
}

const remember: ToolSpec = {
  name: 'remember',
  description:
    'Keep what you learned, for the team or for yourself: facts, decisions, how things are done here. With `key` it is one thing that you keep up to date. The answer names memories that say nearly the same: replace them with `supersedes`.',
  effect: 'writes',
  operations: ['memories.write'],
  arguments: {
    content: 'What is to be remembered.',
    key: 'A name of its own: the next with it is its new version.',
    tags: '',
    scope: 'team unless said; agent: for you alone.',
    source: 'Where it is from.',
    supersedes: 'Ids of memories that it replaces.',
  },
  required: ['content'],
  tell({ memory: { id, key, version }, action, similar }: Written) {
    return {
      fields: { success: true, id, action, version, ...(key !== undefined && { key }), similar },
      lines: [
        `${action} ${id}`,
        ...similar.map((each) => `nearly the same: [${each.id}] ${each.agent}: ${indented(each.content)}`),
      ],
    };
  },
};

interface Recalled extends Page {
  memory?: Memory;
  memories?: Memory[];
  results?: { memory: Memory; score: number; matched: string; snippet: Snippet }[];
}

const recall: ToolSpec = {
  name: 'recall',
  description:
    'What the team knows: memories by meaning and words (`q`), by `key`, or the newest, before you ask or work something out again.',
  effect: 'reads',
  operations: ['memories.search', 'memories.list', 'memories.get'],
  arguments: {
    q: { says: 'What you look for, in your words.', schema: { type: 'string' } },
    id: { says: 'One memory, whole.', schema: { type: 'string' } },
    key: { says: 'The memory of this key.', schema: { type: 'string' } },
    by: { says: 'Only of this agent.', schema: { type: 'string' } },
    tags: { says: 'Any of these, comma-separated.', schema: { type: 'string' } },
    scope: '',
    limit: 'Memories at most; 10 unless said.',
    cursor: MORE,
  },
  lists: ['results', 'memories'],
  plan({ q, id, by, key, limit = 10, ...rest }) {
    if (id !== undefined) return { operation: 'memories.get', input: { id } };
    const input = { ...rest, ...(by !== undefined && { agent: by }), limit };
    return q === undefined
      ? { operation: 'memories.list', input: { ...input, ...(key !== undefined && { key }) } }
      : { operation: 'memories.search', input: { ...input, q } };
  },
  tell(answer: Recalled) {
    const found = answer.memory
      ? [answer.memory]
      : (answer.memories ?? answer.results?.map(({ memory }) => memory) ?? []);
    const page = { ...answer, more: answer.more ?? (answer.memory === undefined && answer.cursor !== undefined) };
    return {
      fields: paged(answer),
      lines: found.length > 0 ? [...found.map(memoryLine), ...moreLine(page)] : ['nothing is known'],
    };
  },
};

function memoryLine({ id, agent, key, tags, content = '' }: Memory): string {
  const about = [agent, key && `key ${key}`, tags?.join(', ')].filter(Boolean).join(' · ');
  return `[${id}] ${about}: ${indented(content)}`;
}

export const knowledgeTools = { search, remember, recall };
