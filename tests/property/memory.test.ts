import { rmSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Refusal } from '../../src/kernel/errors.ts';
import { type OpenedKernel, openKernel } from '../../src/node.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { type Json, quiet } from '../support/node.ts';

const AGENTS = ['ada', 'bob'] as const;
const TAGS = ['t', 'u'] as const;
const KEYS = ['k', 'l'] as const;
const agent = fc.constantFrom(...AGENTS);
const tags = fc.option(fc.subarray([...TAGS]), { nil: undefined });
const content = fc.constantFrom('one', 'two', 'three\nlines\nof it', '# four');
/** Points at an earlier memory. */
const which = fc.nat({ max: 30 });

const act = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('write' as const),
      agent,
      content,
      tags,
      key: fc.option(fc.constantFrom(...KEYS), { nil: undefined }),
      scope: fc.constantFrom('team', 'agent'),
      supersedes: fc.array(which, { maxLength: 2 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('change' as const), agent, which, content, tags }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('delete' as const), agent, which }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('restart' as const), anew: fc.boolean() }) },
);
type Act = typeof act extends fc.Arbitrary<infer A> ? A : never;

interface Version {
  agent: string;
  content: string;
  tags: readonly string[];
}

/** A memory as it is to be. */
interface Kept {
  id: string;
  agent: string;
  scope: string;
  key: string | undefined;
  versions: Version[];
  supersededBy?: string;
  deleted?: true;
}

const living = ({ supersededBy, deleted }: Kept) => supersededBy === undefined && !deleted;
const readableBy = (reader: string) => (kept: Kept) => kept.scope === 'team' || kept.agent === reader;
const last = ({ versions }: Kept) => versions.at(-1) as Version;
const same = (a: readonly string[], b: readonly string[]) => JSON.stringify(a) === JSON.stringify(b);

/** What memories are to do, without events, folds and indexes. */
class Expected {
  readonly all: Kept[] = [];

  /** The memory that is pointed at. */
  at(index: number): Kept | undefined {
    return this.all[index % Math.max(1, this.all.length)];
  }

  /** Why it is refused, or what it answers. `id` is what a new memory is called. */
  write(
    { agent, content, tags, key, scope }: Json,
    supersedes: readonly string[],
    id: () => string,
  ): { refused: string } | { action: string; kept: Kept } {
    const replaced = [...new Set(supersedes)].map((each) => this.all.find((kept) => kept.id === each));
    if (replaced.some((kept) => kept === undefined || kept.deleted || !readableBy(agent)(kept)))
      return { refused: 'unknown_memory' };
    for (const kept of replaced as Kept[]) {
      if (kept.scope !== scope) return { refused: 'scope_mismatch' };
      if (kept.supersededBy) return { refused: 'memory_superseded' };
    }
    const holder = this.all.find(
      (kept) =>
        key !== undefined &&
        living(kept) &&
        kept.key === key &&
        kept.scope === scope &&
        (scope === 'team' || kept.agent === agent) &&
        !replaced.includes(kept),
    );
    if (holder) {
      const wanted = { agent, content, tags: tags ?? last(holder).tags };
      const says = last(holder);
      if (replaced.length === 0 && says.content === content && same(says.tags, wanted.tags))
        return { action: 'unchanged', kept: holder };
      holder.versions.push(wanted);
      for (const kept of replaced as Kept[]) kept.supersededBy = holder.id;
      return { action: 'updated', kept: holder };
    }
    const kept: Kept = { id: id(), agent, scope, key, versions: [{ agent, content, tags: tags ?? [] }] };
    this.all.push(kept);
    for (const each of replaced as Kept[]) each.supersededBy = kept.id;
    return { action: 'created', kept };
  }

  find(kept: Kept | undefined, agent: string): string | undefined {
    if (kept === undefined || !readableBy(agent)(kept)) return 'memory_not_found';
    return kept.deleted ? 'memory_deleted' : undefined;
  }

  change(kept: Kept | undefined, { agent, content, tags }: Json): string | undefined {
    const refused = this.find(kept, agent) ?? (kept?.supersededBy ? 'memory_superseded' : undefined);
    if (refused !== undefined) return refused;
    const says = last(kept as Kept);
    const wanted = { agent, content, tags: tags ?? says.tags };
    if (says.content !== content || !same(says.tags, wanted.tags)) kept?.versions.push(wanted);
    return undefined;
  }
}

function open(dir: string): Promise<OpenedKernel> {
  const config = { DATA_DIR: dir, DURABILITY: { mode: 'always' as const }, SEGMENT_MIB: 1 };
  return openKernel({ config, capabilities: quiet });
}

async function call({ kernel }: OpenedKernel, name: string, input: object, caller?: string): Promise<Json> {
  try {
    return (await kernel.call(name, { ...input }, { agent: caller })).value;
  } catch (error) {
    if (error instanceof Refusal) return { refused: error.code };
    throw error;
  }
}

/** Does one thing in both, and compares what is answered. */
async function perform(opened: OpenedKernel, expected: Expected, act: Exclude<Act, { op: 'restart' }>): Promise<void> {
  if (act.op === 'write') {
    const { op: _, supersedes: pointers, ...input } = act;
    const supersedes = pointers.map((index) => expected.at(index)?.id ?? 'memory-none');
    const answer = await call(opened, 'memories.write', { ...input, supersedes });
    const outcome = expected.write(input, supersedes, () => answer.memory?.id ?? 'nothing was made');
    if ('refused' in outcome) expect(answer.refused).toBe(outcome.refused);
    else expect([answer.action, answer.memory?.id]).toEqual([outcome.action, outcome.kept.id]);
    return;
  }
  const kept = expected.at(act.which);
  const input = { agent: act.agent, id: kept?.id ?? 'memory-none' };
  if (act.op === 'change') {
    const { content, tags } = act;
    const answer = await call(opened, 'memories.update', { ...input, content, ...(tags && { tags }) });
    expect(answer.refused).toBe(expected.change(kept, act));
  } else {
    const answer = await call(opened, 'memories.delete', input);
    const refused = expected.find(kept, act.agent);
    expect(answer.refused).toBe(refused);
    if (refused === undefined) (kept as Kept).deleted = true;
  }
}

/** Compares all that can be read with what is to be. */
async function audit(opened: OpenedKernel, { all }: Expected): Promise<void> {
  const newest = [...all].reverse();
  for (const reader of AGENTS) {
    const mine = newest.filter(readableBy(reader));
    const ids = async (filter: object) =>
      (await call(opened, 'memories.list', filter, reader)).memories.map(({ id }: Json) => id);
    const idsOf = (kept: Kept[]) => kept.map(({ id }) => id);
    expect(await ids({})).toEqual(idsOf(mine.filter(living)));
    expect(await ids({ superseded: true })).toEqual(idsOf(mine.filter(({ deleted }) => !deleted)));
    expect(await ids({ scope: 'agent' })).toEqual(idsOf(mine.filter((kept) => living(kept) && kept.scope === 'agent')));
    expect(await ids({ agent: 'ada' })).toEqual(idsOf(mine.filter((kept) => living(kept) && kept.agent === 'ada')));
    for (const tag of TAGS)
      expect(await ids({ tags: tag })).toEqual(
        idsOf(mine.filter((kept) => living(kept) && last(kept).tags.includes(tag))),
      );
    for (const key of KEYS)
      expect(await ids({ key })).toEqual(idsOf(mine.filter((kept) => living(kept) && kept.key === key)));
    for (const kept of mine) await auditOne(opened, kept, reader);
  }
  for (const kept of all.filter(({ scope }) => scope === 'agent'))
    expect((await call(opened, 'memories.get', { id: kept.id }, 'somebody')).refused).toBe('memory_not_found');
  const { total } = opened.kernel.health().parts.memory as { total: number };
  expect(total).toBe(all.filter(living).length);
}

async function auditOne(opened: OpenedKernel, kept: Kept, reader: string): Promise<void> {
  const { id } = kept;
  const read = (more: object = {}) => call(opened, 'memories.get', { id, ...more }, reader);
  const { versions, refused } = await call(opened, 'memories.versions', { id }, reader);
  if (kept.deleted) return void expect([refused, (await read()).refused]).toEqual(['memory_deleted', 'memory_deleted']);
  const shown = ({ agent, content, tags = [] }: Json): Version => ({ agent, content, tags });
  expect(versions.map(shown).reverse()).toEqual(kept.versions);
  const { memory } = await read();
  expect(memory.supersededBy).toBe(kept.supersededBy);
  expect(shown({ ...memory, agent: memory.updatedBy })).toEqual(last(kept));
  const first = (await read({ version: 1 })).memory;
  expect(shown({ ...first, agent: first.updatedBy })).toEqual(kept.versions[0]);
}

test('whatever is written, changed, superseded and deleted, by whom and over which restarts: what is read is what is to be', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 10, maxLength: 50 }), async (acts) => {
      using dir = temporaryDirectory();
      let opened = await open(dir.path);
      const expected = new Expected();
      try {
        for (const each of acts) {
          if (each.op !== 'restart') {
            await perform(opened, expected, each);
            continue;
          }
          await opened.close();
          if (each.anew)
            for (const suffix of ['', '-wal', '-shm']) rmSync(`${dir.path}/index.sqlite${suffix}`, { force: true });
          opened = await open(dir.path);
          await audit(opened, expected);
        }
        await audit(opened, expected);
      } finally {
        await opened.close();
      }
    }),
    { numRuns: 15, endOnFailure: true },
  );
}, 120_000);
