/** What can be searched. A decision is a message in #decisions. */
export type SearchKind = 'messages' | 'tasks' | 'memory' | 'decisions';

/** `lexical`: by words. `semantic`: by meaning. `hybrid`: by both. */
export type SearchMode = 'lexical' | 'semantic' | 'hybrid';

/** Only what all of these say of it. Times are milliseconds since 1970. */
export interface SearchFilter {
  /** Who wrote it. */
  from?: string | undefined;
  to?: string | undefined;
  channel?: string | undefined;
  thread?: string | undefined;
  /** Any of these. */
  tags?: readonly string[] | undefined;
  scope?: 'team' | 'agent' | undefined;
  since?: number | undefined;
  before?: number | undefined;
}

export interface SearchRequest {
  /** In a person's words; several are ways to say one thing, and the best score of each counts. */
  queries: readonly string[];
  in: readonly SearchKind[];
  /** Undefined: by both where there is a model, else by words. */
  mode: SearchMode | undefined;
  /** Who asks: private things are found by those alone who may read them. */
  agent: string | undefined;
  filter: SearchFilter;
  sort: 'relevance' | 'newest';
  limit: number;
  /** Where the answer before this one ended: what {@link SearchAnswer} called `next`. */
  after?: string | undefined;
}

/** A piece of the text around what matched. */
export interface Snippet {
  text: string;
  /** Where in `text` the matches are: `[start, end)` in UTF-16 units, ascending. */
  matches: readonly (readonly [start: number, end: number])[];
}

export interface SearchHit {
  kind: SearchKind;
  id: string;
  /** Of the event that made it. */
  seq: number;
  /** Greater is better; comparable within one answer. */
  score: number;
  matched: 'words' | 'meaning' | 'both';
  snippet: Snippet;
  /** The entity as its capability keeps it. */
  entity: object;
}

export interface SearchAnswer {
  hits: readonly SearchHit[];
  /** How to go on, where there is more. */
  next?: string;
  /** `any` where nothing has all the words that were asked for, and what has some of them was taken. */
  words: 'all' | 'any';
  /** What was done, which is less than what was asked where there is no model or it fails. */
  mode: SearchMode;
  /** The model that gave meaning; absent where mode is lexical. */
  model?: string;
  /** Documents that have no vector yet, of the kinds that were searched. */
  pending: number;
  /** Why it is less than what was asked. */
  degraded?: string;
}

export interface SearchStatus {
  /** Events whose words the index holds, of how many. */
  messages: { indexed: number; head: number };
  /** How far the words of everything have been made anew, while they are. */
  reindexing?: { done: number; total: number };
  semantic: { model: string | null; indexed: number; pending: number; error?: string };
}

/** Finds things by what they say. */
export interface Search {
  /** Finds what was acknowledged before it was called. Throws Refusal `index_unavailable`. */
  find(request: SearchRequest): Promise<SearchAnswer>;
  /** What the agent may read of a kind that means nearly the same as the text (cosine), nearest first; none without a model. */
  similar(text: string, kind: SearchKind, agent: string | undefined): Promise<{ id: string; similarity: number }[]>;
  status(): Promise<SearchStatus>;
  /** Makes the words of everything anew, and vectors that are missing. Searches are answered as ever meanwhile. */
  reindex(): Promise<void>;
  /** What is wrong with it now, for `/health`. */
  readonly error: string | undefined;
  close(): Promise<void>;
}
