import { type ErrorCode, Refusal, type RefusalOptions } from '../kernel/errors.ts';
import type { SearchAnswer, SearchKind, SearchRequest, SearchStatus } from '../kernel/search.ts';
import { isFileFault } from '../store/sqlite.ts';
import type { EmbeddingSettings } from './semantic/models.ts';

/** What the thread is started with. */
export interface ThreadData {
  /** The index. */
  file: string;
  /** The address of the module that exports `documents`. */
  documents: string;
  /** Where vectors are kept. */
  vectors: string;
  embeddings: EmbeddingSettings;
}

/** What the thread can be asked. */
export interface Asked {
  find(request: SearchRequest): Promise<SearchAnswer> | SearchAnswer;
  similar(of: {
    text: string;
    kind: SearchKind;
    agent: string | undefined;
  }): Promise<{ id: string; similarity: number }[]>;
  status(of: null): SearchStatus['semantic'];
}

export type Question = {
  [Name in keyof Asked]: { job: number; ask: Name; of: Parameters<Asked[Name]>[0] };
}[keyof Asked];
export type Reply = { job: number; value: unknown } | { job: number; failure: Failure };
/** What is wrong with finding by meaning, each time it changes. */
export type Told = { meaning: string | undefined };

/** Why there is no answer, as it crosses between threads. */
export type Failure =
  | { is: 'refusal'; code: ErrorCode; detail: string; options: RefusalOptions }
  | { is: 'file'; message: string }
  | { is: 'fault'; message: string; stack: string | undefined };

export function failureOf(error: unknown): Failure {
  if (error instanceof Refusal)
    return { is: 'refusal', code: error.code, detail: error.message, options: error.options };
  if (isFileFault(error)) return { is: 'file', message: error.message };
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { is: 'fault', message, stack };
}
