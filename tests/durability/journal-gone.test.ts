import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { testNode } from '../support/node.ts';

test('a journal that was taken away is missed, not begun anew: the index remembers that there was one', async () => {
  using directory = temporaryDirectory();
  const [journal, aside] = [join(directory.path, 'journal'), join(directory.path, 'aside')];
  {
    await using server = await testNode({ dir: directory.path });
    await server.post('link', 'hello');
    await server.get('/chat/messages');
  }
  renameSync(journal, aside);
  await expect(testNode({ dir: directory.path })).rejects.toThrow('the journal is empty: it was moved or deleted');
  rmSync(journal, { recursive: true, force: true });
  renameSync(aside, journal);
  await using server = await testNode({ dir: directory.path });
  expect((await server.get('/chat/messages')).body.messages).toHaveLength(1);
});
