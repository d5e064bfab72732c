import type { Event } from '../../kernel/event.ts';
import type { Feed } from '../../kernel/feed/feed.ts';
import type { Filter } from '../../kernel/feed/filter.ts';
import { Pump } from '../../kernel/feed/pump.ts';
import type { ResourceSpec } from './surface.ts';

/** A resource and the value of its variable. */
export interface Place {
  resource: ResourceSpec;
  value: string;
}

/** What a URI means; undefined where it is none of these. */
export function placeOf(resources: readonly ResourceSpec[], uri: string): Place | undefined {
  for (const resource of resources) {
    const [before = '', after] = resource.uri.split(/\{\w+\}/);
    if (after === undefined) {
      if (uri === resource.uri) return { resource, value: '' };
    } else if (uri.startsWith(before) && uri.length > before.length) {
      try {
        return { resource, value: decodeURIComponent(uri.slice(before.length)) };
      } catch {
        return undefined;
      }
    }
  }
  return undefined;
}

type Condition = (entry: Parameters<Filter['matches']>[0]) => boolean;

/** Tells which of the watched resources have changed, as far as the reader may know it. */
export class Watch {
  readonly #feed: Feed;
  readonly #resources: readonly ResourceSpec[];
  readonly #reader: string | undefined;
  readonly #changed: (uri: string) => void;
  readonly #watched = new Map<string, Condition>();
  #pump: Pump | undefined;

  constructor(
    feed: Feed,
    options: { resources: readonly ResourceSpec[]; reader: string | undefined; changed: (uri: string) => void },
  ) {
    this.#feed = feed;
    this.#resources = options.resources;
    this.#reader = options.reader;
    this.#changed = options.changed;
  }

  get size(): number {
    return this.#watched.size;
  }

  /** False where the URI is no resource's. */
  add(uri: string): boolean {
    const place = placeOf(this.#resources, uri);
    if (place === undefined) return false;
    const conditions = place.resource.watch(place.value, this.#reader).map(({ filter, where }): Condition => {
      const compiled = this.#feed.filter(filter, this.#reader);
      return (entry) => compiled.matches(entry) && (where === undefined || where(entry.event as Event));
    });
    this.#watched.set(uri, (entry) => conditions.some((holds) => holds(entry)));
    this.#pump ??= this.#start();
    return true;
  }

  remove(uri: string): void {
    this.#watched.delete(uri);
    if (this.#watched.size === 0) this.close();
  }

  close(): void {
    this.#pump?.close();
    this.#pump = undefined;
  }

  #start(): Pump {
    const filter: Filter = {
      key: 'mcp',
      matches: (entry) => this.#touched(entry).length > 0,
      wakers: () => ['event'],
    };
    const changed = new Set<string>();
    const pump = new Pump(
      this.#feed,
      {
        events: ({ entries }) => {
          for (const entry of entries) for (const uri of this.#touched(entry)) changed.add(uri);
          // However much comes in one turn, each is told once.
          if (changed.size > 0)
            setImmediate(() => {
              const uris = [...changed];
              changed.clear();
              for (const uri of uris) if (this.#watched.has(uri)) this.#changed(uri);
            });
          return true;
        },
        sync: () => {},
        // What was missed may have changed anything.
        reset: () => {
          for (const uri of this.#watched.keys()) this.#changed(uri);
        },
      },
      { after: this.#feed.head, filter },
    );
    pump.start();
    return pump;
  }

  #touched(entry: Parameters<Condition>[0]): string[] {
    const uris: string[] = [];
    for (const [uri, holds] of this.#watched) if (holds(entry)) uris.push(uri);
    return uris;
  }
}
