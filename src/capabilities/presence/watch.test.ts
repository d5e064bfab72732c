import { expect, test } from 'vitest';
import { MemoryJournal } from '../../../tests/support/memory-journal.ts';
import { MemoryStore } from '../../../tests/support/memory-store.ts';
import { Refusal } from '../../kernel/errors.ts';
import { Kernel } from '../../kernel/kernel.ts';
import { agents } from '../agents/index.ts';
import { channels } from '../channels/index.ts';
import { tasks } from '../tasks/index.ts';
import { presence } from './index.ts';

test('a presence that the journal did not keep is written down again', async () => {
  const journal = new MemoryJournal();
  const kernel = await Kernel.open({
    journal,
    store: new MemoryStore(),
    capabilities: [agents, channels, tasks, presence],
    world: { clock: Date.now, random: (n) => 'x'.repeat(n) },
  });
  kernel.sightings.opened('link');
  await expect.poll(() => journal.head).toBe(1);
  journal.abort(new Refusal('disk_full', 'full'));
  await expect.poll(() => journal.head).toBe(1);
  journal.commit();
  expect(journal.records.map(({ event }) => [event.type, event.data.status])).toEqual([['presence_updated', 'idle']]);
  await kernel.close();
});
