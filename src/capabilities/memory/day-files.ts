import type { LiveCollection, QueryContext } from '../../kernel/capability.ts';
import { dayName, dayOfFile, entryOf, titleOf } from './day-file.ts';
import { dayBefore, FIRST, PAGE, selectEntries } from './files.ts';
import type { Memory, MemoryFigures } from './state.ts';

interface DayFile {
  agent: string;
  day: string;
}

/** What the source of the day files needs of a kernel. */
export interface Room {
  feed: { epoch: string; onNext(wake: () => void): () => void };
  context(agent: string | undefined): Pick<QueryContext<never>, 'index'>;
  collection(name: string): LiveCollection<object>;
}

const LATEST = Number.MAX_SAFE_INTEGER;

/** What the Markdown files of every agent's memories are made of, each as its agent sees it. */
export function dayFilesOf(room: Room) {
  const { feed } = room;
  const { index } = room.context(undefined);
  const figures = room.collection('memory_figures') as LiveCollection<MemoryFigures>;
  return {
    epoch: feed.epoch,
    changed: () => figures.get('all')?.seq ?? 0,
    onNext: (wake: () => void) => feed.onNext(wake),

    changedAfter: (seq: number) =>
      index((view) => ({
        seq: view.seq,
        files: view
          .all<{ agent: string; day: number }>(
            'SELECT DISTINCT owner AS agent, day FROM memories INDEXED BY memories_by_change WHERE changed > ?',
            seq,
          )
          .map(({ agent, day }): DayFile => ({ agent, day: dayName(day) })),
      })),

    async all(): Promise<DayFile[]> {
      const files: DayFile[] = [];
      for (let agent = await ownerAfter(''); agent !== undefined; agent = await ownerAfter(agent)) {
        const owner = agent;
        await index((view) => {
          let day = dayBefore(view, owner, owner, LATEST);
          for (; day !== undefined; day = dayBefore(view, owner, owner, day))
            files.push({ agent: owner, day: dayName(day) });
        });
      }
      return files;
    },

    async *read(file: DayFile): AsyncGenerator<string, void> {
      const { agent } = file;
      const day = dayOfFile(`${file.day}.md`);
      if (day === undefined) return;
      for (let after = FIRST; ; ) {
        const rows = await index((view) => selectEntries(view, { agent, day, reader: agent }, after, PAGE));
        const last = rows.at(-1);
        if (last === undefined) return;
        const entries = rows.map(({ doc }) => entryOf(JSON.parse(doc) as Memory)).join('');
        yield after === FIRST ? titleOf(day) + entries : entries;
        after = last;
      }
    },
  };

  function ownerAfter(name: string): Promise<string | undefined> {
    return index((view) => {
      const [row] = view.all<{ owner: string | null }>(
        'SELECT min(owner) AS owner FROM memories INDEXED BY memories_by_day WHERE owner > ?',
        name,
      );
      return row?.owner ?? undefined;
    });
  }
}
