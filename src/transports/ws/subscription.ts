import type { Ephemeral } from '../../kernel/feed/ephemera.ts';
import type { Feed, Format, Gap, Page } from '../../kernel/feed/feed.ts';
import type { Filter } from '../../kernel/feed/filter.ts';
import { Pump, type Sink } from '../../kernel/feed/pump.ts';
import type { Connection } from './connection.ts';

/** One stream of events on a socket, with a cursor of its own. */
export class Subscription implements Sink {
  readonly sid: string;
  /** Up to where the client says it has everything. */
  acked: number;
  readonly #feed: Feed;
  readonly #filter: Filter;
  readonly #connection: Connection;
  readonly #format: Format<Buffer>;
  readonly #pump: Pump;
  readonly #ended: () => void;
  readonly #turnAway: (() => void) | undefined;

  constructor(
    feed: Feed,
    connection: Connection,
    options: { sid: string; after: number; filter: Filter; ephemeral: boolean; ended: () => void },
  ) {
    this.sid = options.sid;
    this.acked = options.after;
    this.#feed = feed;
    this.#filter = options.filter;
    this.#connection = connection;
    this.#ended = options.ended;
    const sid = JSON.stringify(options.sid);
    this.#format = {
      key: `ws ${sid}`,
      render: (entries) =>
        Buffer.from(`{"type":"events","sid":${sid},"events":[${entries.map(({ frame }) => frame).join(',')}]}`),
    };
    this.#pump = new Pump(feed, this, { after: options.after, filter: options.filter });
    this.#turnAway = options.ephemeral ? feed.ephemera.listen((events) => this.#show(events)) : undefined;
  }

  /** Up to where events were sent or did not match. */
  get position(): number {
    return this.#pump.position;
  }

  start(): void {
    this.#pump.start();
  }

  resume(): void {
    this.#pump.resume();
  }

  /** Tells a quiet client how far it is. */
  idle(): void {
    this.#pump.sync();
  }

  close(): void {
    this.#pump.close();
    this.#turnAway?.();
  }

  events(page: Page, after: number): boolean {
    return this.#connection.send(this.#feed.render(page, after, this.#filter, this.#format));
  }

  sync(seq: number, upToDate: boolean, count: number): void {
    if (
      !this.#connection.send(
        JSON.stringify({ type: 'sync', sid: this.sid, cursor: this.#feed.cursor(seq), up_to_date: upToDate, count }),
      )
    )
      this.#pump.block();
  }

  /** What is not kept is for readers that keep up. */
  #show(events: readonly Ephemeral[]): void {
    if (this.#connection.blocked) return;
    const shown = events.filter((event) => this.#filter.matches(event)).map(({ frame }) => frame);
    if (shown.length === 0) return;
    this.#connection.send(`{"type":"ephemeral","sid":${JSON.stringify(this.sid)},"events":[${shown.join(',')}]}`);
  }

  reset(reason: Gap | 'damaged'): void {
    this.#turnAway?.();
    this.#connection.send(resetFrame(this.#feed, this.sid, reason));
    this.#ended();
  }
}

/** Says that a subscription cannot go on, and how to begin again. */
export function resetFrame(feed: Feed, sid: string, reason: Gap | 'damaged'): string {
  return JSON.stringify({
    type: 'reset',
    sid,
    reason,
    earliest: feed.cursor(feed.earliest),
    head: feed.cursor(),
    snapshot: '/snapshot',
  });
}
