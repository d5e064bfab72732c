import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { SocketFeed } from '../../kernel/capability.ts';
import type { Feed, Format, Page } from '../../kernel/feed/feed.ts';
import type { Filter } from '../../kernel/feed/filter.ts';
import { Pump, type Sink } from '../../kernel/feed/pump.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Stream, StreamSettings } from '../streams.ts';
import { CLOSE } from './close-codes.ts';
import { Connection } from './connection.ts';

/** One client of a capability's own WebSocket: a first frame, then a frame for each event. */
export class FeedSocket implements Stream, Sink {
  readonly #feed: Feed;
  readonly #spec: SocketFeed;
  readonly #connection: Connection;
  readonly #filter: Filter;
  readonly #format: Format<string[]>;
  #pump: Pump | undefined;
  #closed = false;

  constructor(
    socket: WebSocket,
    tcp: Socket,
    spec: SocketFeed,
    settings: StreamSettings,
    feed: Feed,
    agent: string | undefined,
  ) {
    this.#feed = feed;
    this.#spec = spec;
    this.#filter = feed.filter({ types: [...spec.types] }, agent);
    this.#format = {
      key: spec.path,
      render: (entries) => entries.map(({ event }) => JSON.stringify(spec.each(event))),
    };
    this.#connection = new Connection(socket, tcp, settings, {
      drained: () => this.#pump?.resume(),
      closed: () => {
        this.#closed = true;
        this.#pump?.close();
      },
    });
  }

  /** Shows what was, or goes on after a cursor, then what comes. */
  async start(kernel: Kernel, agent: string | undefined, after: string | undefined): Promise<void> {
    let seq: number;
    if (after === undefined) {
      const first = await this.#spec.first(kernel.context(agent));
      this.#connection.send(JSON.stringify(first.frame));
      seq = first.seq;
    } else {
      const place = this.#feed.locate(after);
      if ('gap' in place) return this.reset();
      seq = place.seq;
    }
    if (this.#closed) return;
    this.#pump = new Pump(this.#feed, this, { after: seq, filter: this.#filter });
    this.#pump.start();
  }

  events(page: Page, after: number): boolean {
    return this.#connection.sendAll(this.#feed.render(page, after, this.#filter, this.#format));
  }

  sync(): void {}

  reset(): void {
    this.#connection.close(CLOSE.cursorGone, 'the stream cannot go on from there');
  }

  tick(now: number): void {
    this.#connection.tick(now);
  }

  end(reason: 'shutdown' | 'restart'): void {
    this.#connection.end(reason);
  }
}
