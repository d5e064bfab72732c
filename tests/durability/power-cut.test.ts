import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { hindrance, run } from '../support/privilege.ts';
import { serverProcess } from '../support/process.ts';
import { audit } from './audit.ts';
import { startWriters } from './writers.ts';

/** EXT4_IOC_SHUTDOWN without flushing the log: from here on nothing reaches the disk any more, as when the power goes. */
const CUT = 'import fcntl,os,struct,sys;fcntl.ioctl(os.open(sys.argv[1],os.O_RDONLY),0x8004587d,struct.pack("I",2))';

/** An ext4 disk in a file, whose power can be cut. */
class LoopDisk implements Disposable {
  readonly #temp = temporaryDirectory();
  readonly #image = join(this.#temp.path, 'image');
  readonly path = join(this.#temp.path, 'disk');

  constructor() {
    mkdirSync(this.path);
    try {
      run('truncate', '-s', '64M', this.#image);
      run('mkfs.ext4', '-q', this.#image);
      this.mount();
    } catch (error) {
      this.#temp[Symbol.dispose]();
      throw error;
    }
  }

  mount(): void {
    run('mount', '-o', 'loop', this.#image, this.path);
  }

  cut(): void {
    run('python3', '-c', CUT, this.path);
  }

  unmount(): void {
    run('umount', this.path);
  }

  [Symbol.dispose](): void {
    try {
      run('umount', '-l', this.path);
    } finally {
      this.#temp[Symbol.dispose]();
    }
  }
}

const reason = hindrance(() => {
  using disk = new LoopDisk();
  disk.cut();
});

/** Writes, cuts the power, starts again: what the second server has to say about what the first acknowledged. */
async function losses(durability: string): Promise<{ acknowledged: number; wrong: string[] }> {
  using disk = new LoopDisk();
  const dir = join(disk.path, 'data');
  mkdirSync(dir);
  run('sync');
  await using server = await serverProcess({ dir, env: { DURABILITY: durability } });
  const { written, done } = startWriters(server.url, 'cut');
  while (written.acknowledged.length < 300) await delay(1);
  // Nobody may be told anything after the cut: the process is stopped first, then what it wrote is lost.
  server.child.kill('SIGSTOP');
  disk.cut();
  await server.end('SIGKILL');
  await done;
  disk.unmount();
  disk.mount();
  await using again = await serverProcess({ dir, env: { DURABILITY: durability } });
  const wrong = await audit(again.url, written.acknowledged);
  await again.end();
  return { acknowledged: written.acknowledged.length, wrong };
}

describe.skipIf(reason !== undefined)('when the power is cut', () => {
  test('everything that was acknowledged is there', async () => {
    const { acknowledged, wrong } = await losses('always');
    expect(acknowledged).toBeGreaterThan(299);
    expect(wrong).toEqual([]);
  }, 60_000);

  test('with DURABILITY=interval something is lost, so this test can fail', async () => {
    const { wrong } = await losses('interval:60000');
    expect(wrong.filter((line) => line.startsWith('lost: ')).length).toBeGreaterThan(0);
  }, 60_000);
});
