import { parentPort, workerData } from 'node:worker_threads';
import { createEmbedder } from '@lat.md/embed';
import { yieldToAnswers } from '../../store/threads.ts';
import { type ModelFiles, verifyFiles } from './minilm-files.ts';

export interface TextJob {
  job: number;
  text: string;
}
export type TextDone = { ready: true } | { job: number; vector: Float32Array } | { job: number; error: string };

/** Tokens that the model reads of a text. */
const MAX_TOKENS = 256;
/** Of the model. */
export const MINILM_DIMENSIONS = 384;

async function serve(files: ModelFiles): Promise<void> {
  yieldToAnswers();
  verifyFiles(files);
  const embedder = await createEmbedder({
    model: {
      id: 'minilm-l6-v2',
      dimensions: MINILM_DIMENSIONS,
      maxTokens: MAX_TOKENS,
      pooling: 'mean',
      normalize: true,
      weightsPath: files.weights,
      tokenizerPath: files.tokenizer,
      configPath: files.config,
    },
  });
  // The model is read at its first text.
  await embedder.embed(['ready']);
  parentPort?.on('message', async ({ job, text }: TextJob) => {
    let done: TextDone;
    try {
      const [vector] = await embedder.embed([text]);
      done = { job, vector: Float32Array.from(vector as number[]) };
    } catch (error) {
      done = { job, error: String(error instanceof Error ? error.message : error) };
    }
    parentPort?.postMessage(done);
  });
  parentPort?.postMessage({ ready: true } satisfies TextDone);
}

await serve(workerData as ModelFiles);
