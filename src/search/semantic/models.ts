import type { Embedder } from './embedder.ts';
import { createMinilm, MINILM, type MinilmOptions } from './minilm.ts';
import { minilmFiles } from './minilm-files.ts';
import { createEndpoint } from './openai.ts';

/** What the settings say of embeddings. */
export interface EmbeddingSettings {
  EMBEDDINGS: 'auto' | 'minilm' | 'openai' | 'none';
  EMBEDDINGS_URL?: string | undefined;
  EMBEDDINGS_MODEL?: string | undefined;
  EMBEDDINGS_API_KEY?: string | undefined;
  EMBEDDINGS_DIM?: number | undefined;
}

/** The model that is set, and others that can still answer. */
export interface Models {
  /** Undefined where there is none. */
  readonly set: Embedder | undefined;
  /** Why there is none. */
  readonly none: string;
  /** A model by its name, where it can still be asked. */
  named(model: string): Embedder | undefined;
}

/** True where a model is set, and there to be asked. */
export function hasModel({ EMBEDDINGS: choice, EMBEDDINGS_URL: url }: EmbeddingSettings): boolean {
  return choice !== 'none' && (choice !== 'auto' || url !== undefined || minilmFiles() !== undefined);
}

/** Chooses the model: `auto` takes the endpoint that is set, else the local model that is installed, else none. */
export function chooseModels(settings: EmbeddingSettings, local: MinilmOptions = {}): Models {
  const { EMBEDDINGS: choice, EMBEDDINGS_URL: url, EMBEDDINGS_MODEL: model, EMBEDDINGS_API_KEY: apiKey } = settings;
  // Another choice is a word against the network, whatever else is set.
  const mayAsk = choice === 'openai' || choice === 'auto';
  const endpoint = (name: string, dim?: number) =>
    url === undefined || !mayAsk ? undefined : createEndpoint({ url, model: name, apiKey, dim });
  const installed = () => 'files' in local || minilmFiles() !== undefined;
  const made = new Map<string, Embedder>();
  const keep = (embedder: Embedder | undefined) => {
    if (embedder) made.set(embedder.model, embedder);
    return embedder;
  };
  const choose = (): Embedder | undefined => {
    if (choice === 'none') return undefined;
    if (choice === 'minilm') return createMinilm(local);
    if (url !== undefined && model !== undefined) return endpoint(model, settings.EMBEDDINGS_DIM);
    return installed() ? createMinilm(local) : undefined;
  };
  return {
    set: keep(choose()),
    none:
      choice === 'none' ? 'no model is set (EMBEDDINGS=none)' : 'no model is set, and the local one is not installed',
    named(name) {
      const known = made.get(name);
      if (known !== undefined || choice === 'none') return known;
      if (name === MINILM) return keep(installed() ? createMinilm(local) : undefined);
      const [, of = name, dim] = /^(.*?)(?:\/(\d+))?$/.exec(name) ?? [];
      return keep(endpoint(of, dim === undefined ? undefined : Number(dim)));
    },
  };
}
