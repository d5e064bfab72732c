import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { hindrance, run } from '../support/privilege.ts';
import { type ProcessOptions, type ServerProcess, serverProcess } from '../support/process.ts';
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

/** A directory for data on the disk, whose name a cut does not take away. */
function dataOn(disk: LoopDisk): string {
  const dir = join(disk.path, 'data');
  mkdirSync(dir);
  run('sync');
  return dir;
}

/** Stops the server, cuts the power and starts another, without a repair. */
async function cutUnder(server: ServerProcess, disk: LoopDisk, options: ProcessOptions): Promise<ServerProcess> {
  // Nobody may be told anything after the cut: the process is stopped first, then what it wrote is lost.
  server.child.kill('SIGSTOP');
  // The system may write files in any order: here it wrote the whole index, and of the journal nothing by itself.
  run('sync', ...['index.sqlite', 'index.sqlite-wal'].map((name) => join(options.dir, name)));
  disk.cut();
  await server.end('SIGKILL');
  disk.unmount();
  disk.mount();
  return serverProcess(options);
}

interface Aftermath {
  acknowledged: number;
  /** What the second server has to say about what the first acknowledged. */
  wrong: string[];
  /** The same about what was acknowledged before `meanwhile`. */
  wrongBefore: string[];
}

/** Writes, lets `meanwhile` happen, writes more, cuts the power and starts again. */
async function powerCut(durability: string, meanwhile: (url: string) => Promise<unknown>): Promise<Aftermath> {
  using disk = new LoopDisk();
  const options = { dir: dataOn(disk), env: { DURABILITY: durability } };
  await using server = await serverProcess(options);
  const { written, done } = startWriters(server.url, 'cut');
  const { acknowledged } = written;
  while (acknowledged.length < 300) await delay(1);
  const before = acknowledged.slice();
  await meanwhile(server.url);
  const until = acknowledged.length + 300;
  while (acknowledged.length < until) await delay(1);
  await using again = await cutUnder(server, disk, options);
  await done;
  const wrong = await audit(again.url, acknowledged);
  const wrongBefore = await audit(again.url, before);
  await again.end();
  return { acknowledged: acknowledged.length, wrong, wrongBefore };
}

describe.skipIf(reason !== undefined)('when the power is cut', () => {
  test('everything that was acknowledged is there', async () => {
    const { acknowledged, wrong } = await powerCut('always', async () => {});
    expect(acknowledged).toBeGreaterThan(599);
    expect(wrong).toEqual([]);
  }, 60_000);

  test('with DURABILITY=interval what was acknowledged longer ago than that is there', async () => {
    const { wrongBefore } = await powerCut('interval:100', () => delay(2_000));
    expect(wrongBefore).toEqual([]);
  }, 60_000);

  test('with DURABILITY=interval what came last is lost, and nothing that was read from the index', async () => {
    const { wrong, wrongBefore } = await powerCut('interval:60000', (url) => fetch(`${url}/chat/messages?limit=1`));
    expect(wrong.filter((line) => line.startsWith('lost: ')).length).toBeGreaterThan(0);
    expect(wrongBefore).toEqual([]);
  }, 60_000);

  test('what a killed server wrote and the next one showed is there', async () => {
    using disk = new LoopDisk();
    const options = { dir: dataOn(disk), env: { DURABILITY: 'interval:60000' } };
    await using first = await serverProcess(options);
    const { written, done } = startWriters(first.url, 'cut');
    while (written.acknowledged.length < 300) await delay(1);
    await first.end('SIGKILL');
    await done;
    await using second = await serverProcess(options);
    expect(await audit(second.url, written.acknowledged)).toEqual([]);
    expect((await fetch(`${second.url}/chat/messages?limit=1`)).status).toBe(200);
    await using third = await cutUnder(second, disk, options);
    expect(await audit(third.url, written.acknowledged)).toEqual([]);
    await third.end();
  }, 60_000);
});
