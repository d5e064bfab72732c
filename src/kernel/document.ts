import type { SearchKind } from './search.ts';

/** Where something stands that is searched: what a search may be narrowed by. */
export interface Place {
  channel?: string;
  /** Who wrote it. */
  from?: string;
  /** Whom it is addressed or assigned to. */
  to?: string;
  /** The message that it answers. */
  thread?: string;
  tags?: readonly string[];
  scope?: 'team' | 'agent';
}

/** What of an entity is searched. */
export interface Document {
  text: string;
  /** When it was written: milliseconds since 1970. */
  at: number;
  /** The agents that may find it; everybody where absent. */
  readers?: readonly string[];
  place: Place;
}

/** A collection that is searched. */
export interface DocumentSource {
  kind: Exclude<SearchKind, 'decisions'>;
  collection: string;
  keep: 'memory' | 'history';
  /** What of an entity is searched; undefined where it is not. Pure: the words of an entity follow from it alone. */
  of(entity: object): Document | undefined;
}

/** The channel whose messages are decisions. */
export const DECISIONS = 'decisions';
