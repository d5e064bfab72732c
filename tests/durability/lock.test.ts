import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { serverProcess } from '../support/process.ts';

test('a second process on one data directory is refused and told who has it; a killed one leaves no lock', async () => {
  using temp = temporaryDirectory();
  await using server = await serverProcess({ dir: temp.path });
  const second = serverProcess({ dir: temp.path });
  await expect(second).rejects.toThrow(new RegExp(`ended with 1[\\s\\S]*in use by process ${server.child.pid}`));
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
  await server.end('SIGKILL');
  await using third = await serverProcess({ dir: temp.path });
  expect((await fetch(`${third.url}/health`)).status).toBe(200);
});
