import type { ServerResponse } from 'node:http';
import { Refusal } from '../../kernel/errors.ts';
import type { Entry } from '../../kernel/feed/entry.ts';
import type { Ephemeral } from '../../kernel/feed/ephemera.ts';
import type { Feed, Format, Gap, Page } from '../../kernel/feed/feed.ts';
import type { Filter, FilterInput } from '../../kernel/feed/filter.ts';
import { Pump, type Sink } from '../../kernel/feed/pump.ts';
import type { Sightings } from '../../kernel/sightings.ts';
import { validate } from '../../kernel/validate.ts';
import type { OpenStream } from '../rest/routes.ts';
import { OVERLOADED_RETRY_MS, RETRY_MS, type Stream, type StreamSettings, type Streams } from '../streams.ts';
import { BatchWindow } from './batch-window.ts';
import { frame } from './frame.ts';

export interface SseOptions {
  feed: Feed;
  /** Where it is noted that an agent's stream is open. */
  sightings: Sightings;
  streams: Streams;
  settings: StreamSettings;
  /** Milliseconds that events are held back where a stream does not say it itself. */
  batchMs: () => number;
}

interface StreamInput extends FilterInput {
  after?: string;
  batchMs?: number;
  ephemeral?: boolean;
}

/** How a door writes events of either kind. */
interface Frames {
  kept: Format<Buffer>;
  /** Without an id: a reader cannot go on from there. */
  ephemeral(event: Ephemeral): string;
}

/** Server-Sent Events (WHATWG HTML, section 9.2) of the feed, for every operation whose answer is a stream. */
export function createSse({ feed, sightings, streams, settings, batchMs }: SseOptions): OpenStream {
  const frames: Record<'event' | 'data', Frames> = {
    event: {
      kept: formatOf('sse event', (entry) => frame(entry.type, entry.frame, feed.cursor(entry.seq))),
      ephemeral: (event) => frame(event.type, event.frame),
    },
    data: {
      kept: formatOf('sse data', ({ type, event, seq }) => frame(type, JSON.stringify(event.data), feed.cursor(seq))),
      ephemeral: ({ type, event }) => frame(type, JSON.stringify(event.data)),
    },
  };

  return async (operation, raw, caller, request, reply) => {
    const { input, agent } = validate(operation, raw, caller);
    const { after, batchMs: ownBatchMs, ephemeral = false, ...filterInput } = input as StreamInput;
    const place = locate(feed, request.headers['last-event-id'], after);
    const filter = feed.filter(filterInput, agent);
    reply.hijack();
    const { raw: response } = reply;
    response.writeHead(200, {
      // What hooks have set, such as CORS headers, would be lost otherwise.
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      connection: 'keep-alive',
    });
    if (streams.full) {
      response.end(overloaded());
      return reply;
    }
    new SseStream({
      feed,
      sightings,
      streams,
      settings,
      response,
      frames: frames[operation.stream?.frames ?? 'event'],
      filter,
      agent,
      place,
      ephemeral,
      batchMs: ownBatchMs ?? batchMs(),
    });
    return reply;
  };
}

/** A browser never comes back after a status that is not 200, so this is told in the stream. */
function overloaded(): string {
  return `retry: ${OVERLOADED_RETRY_MS}\n${frame('bye', JSON.stringify({ reason: 'overloaded', retry_ms: OVERLOADED_RETRY_MS }))}`;
}

function formatOf(key: string, encode: (entry: Entry) => string): Format<Buffer> {
  return { key, render: (entries) => Buffer.from(entries.map(encode).join('')) };
}

/** Last-Event-ID wins over `after`. A browser comes back with it by itself, so a bad one is told in the stream. */
function locate(
  feed: Feed,
  lastEventId: string | string[] | undefined,
  after: string | undefined,
): { seq: number } | { gap: Gap | 'invalid' } {
  if (typeof lastEventId !== 'string' || lastEventId === '') return feed.locate(after);
  try {
    return feed.locate(lastEventId);
  } catch (error) {
    if (error instanceof Refusal) return { gap: 'invalid' };
    throw error;
  }
}

interface SseStreamOptions extends Omit<SseOptions, 'batchMs'> {
  response: ServerResponse;
  frames: Frames;
  filter: Filter;
  agent: string | undefined;
  place: { seq: number } | { gap: Gap | 'invalid' };
  batchMs: number;
  ephemeral: boolean;
}

/** One open response: a pump that writes to it. */
class SseStream implements Sink, Stream {
  readonly #feed: Feed;
  readonly #response: ServerResponse;
  readonly #frames: Frames;
  readonly #filter: Filter;
  readonly #settings: StreamSettings;
  readonly #pump: Pump | undefined;
  readonly #window: BatchWindow | undefined;
  readonly #release: () => void;
  #blockedSince: number | undefined;
  #lastWrite = performance.now();

  constructor({ feed, response, frames, filter, settings, agent, place, batchMs, ...options }: SseStreamOptions) {
    this.#feed = feed;
    this.#response = response;
    this.#frames = frames;
    this.#filter = filter;
    this.#settings = settings;
    const forget = options.streams.add(this);
    const left = feed.opened('sse');
    const gone = agent === undefined ? undefined : options.sightings.opened(agent);
    const turnAway = options.ephemeral ? feed.ephemera.listen((events) => this.#show(events)) : undefined;
    this.#release = () => {
      forget();
      left();
      gone?.();
      turnAway?.();
      this.#pump?.close();
      this.#window?.close();
    };
    response.on('close', this.#release);
    response.on('error', this.#release);
    response.on('drain', () => {
      this.#blockedSince = undefined;
      this.#pump?.resume();
    });
    if ('gap' in place) {
      response.write(this.#connected(undefined, agent));
      this.reset(place.gap);
      return;
    }
    response.write(this.#connected(place.seq, agent));
    if (batchMs > 0) this.#window = new BatchWindow(batchMs, (entries) => this.#write(this.#batch(entries)));
    this.#pump = new Pump(feed, this, { after: place.seq, filter });
    this.#pump.start();
  }

  #connected(seq: number | undefined, agent: string | undefined): string {
    const data = {
      epoch: this.#feed.epoch,
      cursor: seq === undefined ? undefined : this.#feed.cursor(seq),
      head: this.#feed.cursor(),
      agent,
    };
    return `retry: ${RETRY_MS}\n${frame('connected', JSON.stringify(data), data.cursor)}`;
  }

  events(page: Page, after: number): boolean {
    if (this.#window) {
      this.#window.add(page.entries);
      return this.#blockedSince === undefined;
    }
    return this.#write(this.#feed.render(page, after, this.#filter, this.#frames.kept));
  }

  sync(seq: number, upToDate: boolean, count: number): void {
    this.#window?.flush();
    const cursor = this.#feed.cursor(seq);
    this.#write(frame('sync', JSON.stringify({ cursor, up_to_date: upToDate, count }), cursor));
  }

  reset(reason: Gap | 'damaged' | 'invalid'): void {
    this.#window?.flush();
    const data = {
      reason,
      earliest: this.#feed.cursor(this.#feed.earliest),
      head: this.#feed.cursor(),
      snapshot: '/snapshot',
    };
    this.#response.end(frame('reset', JSON.stringify(data)));
  }

  tick(now: number): void {
    if (this.#blockedSince !== undefined) {
      if (now - this.#blockedSince >= this.#settings.stallMs) {
        this.#response.write(frame('bye', JSON.stringify({ reason: 'stalled', retry_ms: RETRY_MS })));
        this.#response.destroy();
      }
    } else if (now - this.#lastWrite >= this.#settings.idleMs) {
      this.#pump?.sync();
    }
  }

  end(reason: 'shutdown' | 'restart'): void {
    this.#window?.flush();
    this.#response.end(frame('bye', JSON.stringify({ reason, retry_ms: RETRY_MS })));
    this.#release();
  }

  #batch(entries: readonly Entry[]): Buffer | string {
    const last = entries.at(-1) as Entry;
    if (entries.length === 1) return this.#frames.kept.render(entries);
    const list = entries.map(({ event }) => ({
      id: this.#feed.cursor(event.seq),
      type: event.type,
      timestamp: event.at,
      data: event.data,
    }));
    return frame('batch', JSON.stringify(list), this.#feed.cursor(last.seq));
  }

  /** What is not kept is for readers that keep up, and says nothing of how far they are. */
  #show(events: readonly Ephemeral[]): void {
    if (this.#blockedSince !== undefined || this.#response.writableEnded) return;
    const shown = events.filter((event) => this.#filter.matches(event));
    if (shown.length > 0) this.#send(shown.map(this.#frames.ephemeral).join(''));
  }

  #write(chunk: Buffer | string): boolean {
    this.#lastWrite = performance.now();
    return this.#send(chunk);
  }

  #send(chunk: Buffer | string): boolean {
    if (this.#response.write(chunk)) return true;
    this.#blockedSince ??= performance.now();
    this.#pump?.block();
    return false;
  }
}
