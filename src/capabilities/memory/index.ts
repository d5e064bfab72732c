import { capability, type IndexView } from '../../kernel/capability.ts';
import { capBytes } from '../../kernel/page.ts';
import { remove, update } from './change.ts';
import { append, files } from './files.ts';
import { get, list, versions } from './list.ts';
import { keysTable, type MemoryRow, memoriesTable, selectMemories, versionsTable } from './projection.ts';
import { search, searchFiles } from './search.ts';
import { apply, type Memory, type MemoryState } from './state.ts';
import { write } from './write.ts';

/** Memories in a snapshot. */
const SNAPSHOT = 200;

function newest(view: IndexView, agent: string | undefined): Memory[] {
  const { sql, params } = selectMemories({}, agent, SNAPSHOT);
  const { taken } = capBytes(view.all<MemoryRow>(sql, ...params), ({ doc }) => Buffer.byteLength(doc) + 1);
  return taken.map(({ doc }) => JSON.parse(doc) as Memory);
}

export const memory = capability<MemoryState>()({
  name: 'memory',
  summary: 'What is to be remembered: shared by the team, or an agent’s own.',
  collections: [memoriesTable, versionsTable, keysTable, { name: 'memory_figures', keep: 'memory' }],
  operations: [write, list, search, get, versions, update, remove, append, files, searchFiles],
  events: {
    memory_written: 'A memory was written: the memory.',
    memory_changed:
      'A new version of it was written: id, agent (who), scope, key, version, and what changed (null: taken away).',
    memory_superseded: 'Another replaces it: id, agent (who), scope, supersededBy.',
    memory_deleted: 'It was deleted: id, agent (who), scope.',
  },
  topics: ['memories'],
  apply,
  readers: ({ data }) => (data.scope === 'agent' ? [data.agent as string] : undefined),
  health: ({ memory_figures }) => ({ memory: { total: memory_figures.get('all')?.living ?? 0 } }),
  snapshot: (view, agent) => ({ memories: newest(view, agent) }),
});
