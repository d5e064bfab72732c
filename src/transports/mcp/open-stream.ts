import type { ServerResponse } from 'node:http';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Stream, StreamSettings, Streams } from '../streams.ts';

/** A response on which changes are told: counted, seen as its agent's, and ended where its reader takes nothing. */
export class OpenStream implements Stream {
  readonly #response: ServerResponse;
  readonly #stallMs: number;
  #blockedSince: number | undefined;

  constructor(
    response: ServerResponse,
    options: { kernel: Kernel; streams: Streams; settings: StreamSettings; agent: string | undefined },
  ) {
    const { kernel, streams, settings, agent } = options;
    this.#response = response;
    this.#stallMs = settings.stallMs;
    const forget = streams.add(this);
    const left = kernel.feed.opened('mcp');
    const gone = agent === undefined ? undefined : kernel.sightings.opened(agent);
    response.once('close', () => {
      forget();
      left();
      gone?.();
    });
  }

  tick(now: number): void {
    if (!this.#response.writableNeedDrain) this.#blockedSince = undefined;
    else if (this.#blockedSince === undefined) this.#blockedSince = now;
    else if (now - this.#blockedSince >= this.#stallMs) this.#response.destroy();
  }

  /** The library ends it, with its own words. */
  end(): void {}
}
