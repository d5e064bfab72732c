import { z } from 'zod';
import { type QueryContext, query } from '../../kernel/capability.ts';
import { formatCursor, placeOf } from '../../kernel/cursor.ts';
import { Refusal } from '../../kernel/errors.ts';
import { AgentName, flag, wholeNumber } from '../../kernel/names.ts';
import { capBytes, listInput, listOutput, pick, shorten } from '../../kernel/page.ts';
import { findMemory } from './find.ts';
import { type MemoryRow, selectMemories } from './projection.ts';
import { Key, MemoryId, Memory as MemoryOutput, Scope, TagList, Version } from './schema.ts';
import { type Memory, type MemoryState, type MemoryVersion, versionId } from './state.ts';

const time = wholeNumber(0, Number.MAX_SAFE_INTEGER).optional();

/** Which memories a list or a search wants. It does not name the caller: that is X-Agent. */
export const filterFields = {
  agent: AgentName.optional().describe('Written first by this agent. It does not name the caller: X-Agent does.'),
  tags: TagList.optional(),
  tag: TagList.optional().describe('The same as tags.'),
  scope: Scope.optional().describe('team, or agent: the caller’s own (X-Agent).'),
  since: time.describe('Written first at or after this time, in milliseconds since 1970.'),
  before: time.describe('Written first before this time.'),
};

/** Throws where private memories are asked for by nobody, or by another than their agent. */
export function requireOwner(scope: string | undefined, owner: string | undefined, caller: string | undefined): void {
  if (scope !== 'agent' || (caller !== undefined && (owner === undefined || owner === caller))) return;
  throw new Refusal('not_the_owner', 'Memories of the scope agent are shown to their agent alone.');
}

/** Both ways to say tags. */
export function tagsOf({ tag, tags }: { tag?: string[] | undefined; tags?: string[] | undefined }): string[] {
  return [...new Set([...(tag ?? []), ...(tags ?? [])])];
}

export const list = query({
  name: 'memories.list',
  summary: 'The newest memories that match, newest first.',
  http: ['GET /memories'],
  input: z.object({
    ...filterFields,
    key: Key.optional(),
    superseded: flag.optional().describe('1: also those that others replace.'),
    ...listInput(100, 1_000),
  }),
  output: z.object({ memories: z.array(MemoryOutput.partial()), count: z.number(), ...listOutput }),
  async run({ limit, cursor, fields, compact, tag, tags, ...filter }, context: QueryContext<MemoryState>) {
    requireOwner(filter.scope, filter.agent, context.agent);
    const wanted = { ...filter, tags: tagsOf({ tag, tags }), beforeSeq: placeOf(cursor, context) };
    const { sql, params } = selectMemories(wanted, context.agent, limit + 1);
    const rows = await context.index((view) => view.all<MemoryRow>(sql, ...params));
    const items = rows.slice(0, limit).map(({ seq, doc }) => {
      const memory = JSON.parse(doc) as Memory;
      return { seq, item: pick([compact ? toCompact(memory) : memory], fields)[0] as Partial<Memory> };
    });
    const { taken, cut } = capBytes(items, ({ item }) => Buffer.byteLength(JSON.stringify(item)) + 1);
    const more = cut || rows.length > limit;
    return {
      memories: taken.map(({ item }) => item) as z.input<typeof MemoryOutput>[],
      count: taken.length,
      ...(more && { more, cursor: formatCursor(context.epoch, taken.at(-1)?.seq ?? 0) }),
    };
  },
});

/** Characters of a memory in a compact list. */
const COMPACT = 280;

export function toCompact(memory: Memory): Memory {
  const { source: _, supersedes: __, ...rest } = memory;
  return { ...rest, content: shorten(memory.content, COMPACT) };
}

const caller = { agent: AgentName.optional().describe('Who asks; needed to see memories of its own alone.') };

export const get = query({
  name: 'memories.get',
  summary: 'One memory, or what it said in an older version.',
  http: ['GET /memories/:id'],
  actor: 'agent',
  input: z.object({
    id: MemoryId,
    version: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional().describe('The newest unless said.'),
    ...caller,
  }),
  output: z.object({ memory: MemoryOutput }),
  etag: { of: ({ memory }) => memory.lastSeq },
  run({ id, version }, { state, agent }: QueryContext<MemoryState>) {
    const memory = findMemory(state, id, agent);
    const shown = version === undefined || version === memory.version ? memory : asOf(memory, version as number, state);
    return { memory: shown as z.input<typeof MemoryOutput> };
  },
});

function asOf(memory: Memory, version: number, state: MemoryState): Memory {
  const then = state.memory_versions.get(versionId(memory.id, version));
  if (then === undefined)
    throw new Refusal('version_not_found', `The memory "${memory.id}" has the versions 1 to ${memory.version}.`, {
      extra: { version: memory.version },
    });
  const { tags: _, source: __, supersedes: ___, ...rest } = memory;
  const { content, tags, source, at, agent, seq } = then;
  return {
    ...rest,
    content,
    ...(tags && { tags }),
    ...(source !== undefined && { source }),
    updatedAt: at,
    updatedBy: agent,
    version,
    lastSeq: seq,
  };
}

export const versions = query({
  name: 'memories.versions',
  summary: 'What a memory said, who wrote it and when: every version, newest first.',
  http: ['GET /memories/:id/versions'],
  actor: 'agent',
  input: z.object({ id: MemoryId, ...caller, ...listInput(100, 1_000) }),
  output: z.object({ versions: z.array(Version.partial()), count: z.number(), ...listOutput }),
  async run({ id, limit, cursor, fields, compact }, context: QueryContext<MemoryState>) {
    const { version: count } = findMemory(context.state, id, context.agent);
    const before = placeOf(cursor, context) ?? Number.MAX_SAFE_INTEGER;
    const rows = await context.index((view) =>
      view.all<{ seq: number; doc: string }>(
        'SELECT seq, doc FROM memory_versions WHERE memory = ? AND seq < ? ORDER BY version DESC LIMIT ?',
        id,
        before,
        limit + 1,
      ),
    );
    // It may have been deleted meanwhile.
    findMemory(context.state, id, context.agent);
    const items = rows.slice(0, limit).map(({ seq, doc }) => {
      const { memory: _, ...version } = JSON.parse(doc) as MemoryVersion;
      const shown = compact ? { ...version, content: shorten(version.content, COMPACT) } : version;
      return { seq, item: pick([shown], fields)[0] as z.input<typeof Version> };
    });
    const { taken, cut } = capBytes(items, ({ item }) => Buffer.byteLength(JSON.stringify(item)) + 1);
    const more = cut || rows.length > limit;
    return {
      versions: taken.map(({ item }) => item),
      count,
      ...(more && { more, cursor: formatCursor(context.epoch, taken.at(-1)?.seq ?? 0) }),
    };
  },
});
