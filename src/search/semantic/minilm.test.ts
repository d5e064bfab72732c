import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../../../tests/support/directory.ts';
import { hindrance } from '../../../tests/support/privilege.ts';
import { createMinilm } from './minilm.ts';
import { type ModelFiles, minilmFiles, verifyFiles } from './minilm-files.ts';

/** A thread that answers as the model's does: a text `wait …` after a while, `crash` never. */
const STAND_IN = `
  const { parentPort, workerData } = require('node:worker_threads');
  if (workerData.weights === 'broken') throw new Error('no such model');
  parentPort.on('message', ({ job, text }) => {
    if (text === 'crash') process.exit(3);
    if (text === 'refuse') return parentPort.postMessage({ job, error: 'not this one' });
    setTimeout(() => parentPort.postMessage({ job, vector: Float32Array.of(text.length, 1) }), text.startsWith('wait') ? 30 : 0);
  });
  parentPort.postMessage({ ready: true });
`;

function standIn(options: { weights?: string; idleMs?: number } = {}) {
  const started: Worker[] = [];
  const files: ModelFiles = { weights: options.weights ?? '', tokenizer: '', config: '', engine: '' };
  const embedder = createMinilm({
    files,
    start(workerData) {
      const worker = new Worker(STAND_IN, { eval: true, workerData });
      started.push(worker);
      return worker;
    },
    ...(options.idleMs !== undefined && { idleMs: options.idleMs }),
  });
  return { embedder, started, files, [Symbol.asyncDispose]: () => embedder.close() };
}

test('one thread is started at the first need, ended when nobody needs it, and started again', async () => {
  await using model = standIn({ idleMs: 50 });
  expect(model.started).toHaveLength(0);
  const answers = await Promise.all([model.embedder.embed(['a', 'b'], 'query'), model.embedder.embed(['c'], 'query')]);
  expect(answers.flat()).toHaveLength(3);
  expect(model.started).toHaveLength(1);
  await expect.poll(() => model.started[0]?.threadId).toBe(-1);
  expect(await model.embedder.embed(['d'], 'background')).toHaveLength(1);
  expect(model.started).toHaveLength(2);
});

test('a question waits for one text of the background and not for its batch', async () => {
  await using model = standIn();
  await model.embedder.embed(['ready'], 'query');
  const order: string[] = [];
  const background = ['wait 1', 'wait 2', 'wait 3', 'wait 4'].map((text) =>
    model.embedder.embed([text], 'background').then(() => order.push(text)),
  );
  const query = model.embedder.embed(['question'], 'query').then(() => order.push('question'));
  await Promise.all([...background, query]);
  expect(order).toEqual(['wait 1', 'question', 'wait 2', 'wait 3', 'wait 4']);
});

test('a crash fails what was asked, says why, keeps nobody waiting, and heals', async () => {
  await using model = standIn();
  await model.embedder.embed(['ready'], 'query');
  const asked = [model.embedder.embed(['crash'], 'background'), model.embedder.embed(['next'], 'background')];
  const [crashed, next] = await Promise.all(asked.map((each) => each.catch((error) => error)));
  expect(crashed).toMatchObject({ message: 'the local model stopped with 3', ofTexts: 'perhaps' });
  expect(next).toMatchObject({ message: 'the local model stopped with 3', ofTexts: false });
  await expect(model.embedder.embed(['at once'], 'query')).rejects.toThrow('the local model stopped with 3');
  expect(model.started).toHaveLength(1);
  await expect.poll(() => model.embedder.embed(['later'], 'query').catch(() => []), { timeout: 5_000 }).toHaveLength(1);
  expect(model.started).toHaveLength(2);
});

test('a text that the model refuses is the only one that fails', async () => {
  await using model = standIn();
  const asked = [model.embedder.embed(['refuse'], 'query'), model.embedder.embed(['fine'], 'query')];
  const [refused, fine] = await Promise.all(asked.map((each) => each.catch((error) => error)));
  expect(refused).toMatchObject({ message: expect.stringContaining('not this one'), ofTexts: true });
  expect(fine).toHaveLength(1);
});

test('a model that cannot be started says why', async () => {
  await using model = standIn({ weights: 'broken' });
  await expect(model.embedder.embed(['x'], 'query')).rejects.toThrow('the local model stopped: no such model');
  const missing = createMinilm({ files: undefined });
  await expect(missing.embed(['x'], 'query')).rejects.toThrow('the packages of the local model are not installed');
});

const files = minilmFiles();
const reason = hindrance(() => {
  if (files === undefined) throw new Error('the packages of the local model are not installed');
});

describe.skipIf(reason !== undefined)('the model that is shipped', () => {
  const shipped = files as ModelFiles;

  test('is what it was when its sums were written down', () => {
    expect(() => verifyFiles(shipped)).not.toThrow();
  });

  test('is refused where one byte differs, and nothing of it is run', async () => {
    using temp = temporaryDirectory();
    for (const part of Object.keys(shipped) as (keyof ModelFiles)[]) {
      const changed = join(temp.path, part);
      copyFileSync(shipped[part], changed);
      const bytes = readFileSync(changed);
      bytes[bytes.length - 2] = (bytes[bytes.length - 2] as number) ^ 1;
      writeFileSync(changed, bytes);
      expect(() => verifyFiles({ ...shipped, [part]: changed })).toThrow(
        `the ${part} of the local model (${changed}) is not what was shipped`,
      );
    }
    const model = createMinilm({ files: { ...shipped, config: join(temp.path, 'config') } });
    await expect(model.embed(['x'], 'query')).rejects.toThrow('is not what was shipped: install the packages anew');
    const absent = createMinilm({ files: { ...shipped, config: join(temp.path, 'nothing') } });
    await expect(absent.embed(['x'], 'query')).rejects.toThrow('the config of the local model cannot be read');
    await Promise.all([model.close(), absent.close()]);
  });

  test('knows what means the same', async () => {
    const model = createMinilm({ files: shipped });
    const [a, b, c] = (await model.embed(
      ['How do I roll back a release?', 'reverting a deployment to the version before', 'the cat sat on the mat'],
      'query',
    )) as [Float32Array, Float32Array, Float32Array];
    const cosine = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * (y[i] as number), 0);
    expect(a).toHaveLength(384);
    expect(cosine(a, a)).toBeCloseTo(1);
    expect(cosine(a, b)).toBeGreaterThan(cosine(a, c) + 0.3);
    await model.close();
  });
});
