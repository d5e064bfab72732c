import { expect, test } from 'vitest';
import { chooseModels, type EmbeddingSettings, hasModel } from './models.ts';

const URL = { EMBEDDINGS_URL: 'http://127.0.0.1:1/v1', EMBEDDINGS_MODEL: 'small' };
const HERE = { files: { weights: '', tokenizer: '', config: '', engine: '' } };
const chosen = (settings: EmbeddingSettings, local: object = HERE) => chooseModels(settings, local).set?.model;

test('auto takes the endpoint that is set, else the local model', () => {
  expect(chosen({ EMBEDDINGS: 'auto', ...URL })).toBe('small');
  expect(chosen({ EMBEDDINGS: 'auto' })).toBe('minilm-l6-v2');
  expect(chosen({ EMBEDDINGS: 'openai', ...URL, EMBEDDINGS_DIM: 512 })).toBe('small/512');
  expect(chosen({ EMBEDDINGS: 'minilm', ...URL })).toBe('minilm-l6-v2');
  expect(chosen({ EMBEDDINGS: 'none', ...URL })).toBeUndefined();
  expect([hasModel({ EMBEDDINGS: 'none' }), hasModel({ EMBEDDINGS: 'auto', ...URL })]).toEqual([false, true]);
});

test('a model before answers where it can still be asked, and no endpoint is asked that was not chosen', () => {
  const openai = chooseModels({ EMBEDDINGS: 'openai', ...URL }, HERE);
  expect(openai.named('minilm-l6-v2')?.model).toBe('minilm-l6-v2');
  expect(openai.named('large/256')).toMatchObject({ model: 'large/256', dim: 256 });
  expect(openai.named('small')).toBe(openai.set);
  const local = chooseModels({ EMBEDDINGS: 'minilm', ...URL }, HERE);
  expect(local.named('large')).toBeUndefined();
  expect(chooseModels({ EMBEDDINGS: 'none', ...URL }, HERE).named('minilm-l6-v2')).toBeUndefined();
});
