import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Stream, StreamSettings } from '../streams.ts';
import { CLOSE, closeSocket } from './close-codes.ts';

/** Bytes that may wait in a socket before its pumps stop. */
export const HIGH_WATER = 256 * 1024;
/** Milliseconds a stalled peer gets to take its close frame; `close()` alone would keep its buffer for 30 s. */
const TERMINATE_MS = 500;

/** What the owner of a connection is told. */
export interface ConnectionEvents {
  /** The peer takes bytes again. */
  drained?(): void;
  closed?(): void;
}

/** A WebSocket that is pinged, that knows when its peer stops reading, and that ends with a reason. */
export class Connection implements Stream {
  readonly #socket: WebSocket;
  readonly #tcp: Socket;
  readonly #settings: StreamSettings;
  readonly #events: ConnectionEvents;
  #blockedSince: number | undefined;
  #lastHeard = performance.now();
  #pingedAt: number | undefined;
  #closed = false;

  constructor(socket: WebSocket, tcp: Socket, settings: StreamSettings, events: ConnectionEvents) {
    this.#socket = socket;
    this.#tcp = tcp;
    this.#settings = settings;
    this.#events = events;
    socket.on('pong', () => this.#heard());
    socket.on('message', () => this.#heard());
    // ws answers protocol errors (1002, 1007, 1009) with the right close frame itself; 'close' follows.
    socket.on('error', () => {});
    socket.once('close', () => {
      this.#closed = true;
      events.closed?.();
    });
    tcp.on('drain', () => this.#drained());
  }

  /** True while the peer does not keep up. */
  get blocked(): boolean {
    return this.#blockedSince !== undefined;
  }

  /** Sends text. False where the peer does not keep up: wait for `drained`. */
  send(text: string | Buffer): boolean {
    if (this.#closed || this.#socket.readyState !== this.#socket.OPEN) return false;
    this.#socket.send(text, { binary: false });
    if (this.#socket.bufferedAmount <= HIGH_WATER) return true;
    this.#blockedSince ??= performance.now();
    return false;
  }

  /** Sends many texts in as few packets as they need. */
  sendAll(texts: readonly string[]): boolean {
    this.#tcp.cork();
    let open = true;
    for (const text of texts) open = this.send(text);
    this.#tcp.uncork();
    return open;
  }

  close(code: number, reason: string): void {
    closeSocket(this.#socket, code, reason);
  }

  tick(now: number): void {
    if (this.#blockedSince !== undefined && now - this.#blockedSince >= this.#settings.stallMs) {
      this.#blockedSince = undefined;
      this.#socket.send(JSON.stringify({ type: 'bye', reason: 'stalled', retry_ms: 1_000 }));
      this.close(CLOSE.stalled, 'stalled');
      setTimeout(() => this.#socket.terminate(), TERMINATE_MS).unref();
    } else if (this.#pingedAt !== undefined) {
      if (now - this.#pingedAt >= this.#settings.pongMs) this.#socket.terminate();
    } else if (now - this.#lastHeard >= this.#settings.pingMs) {
      this.#pingedAt = now;
      this.#socket.ping();
    }
  }

  end(reason: 'shutdown' | 'restart'): void {
    this.send(JSON.stringify({ type: 'bye', reason, retry_ms: 1_000 }));
    this.close(reason === 'restart' ? CLOSE.restart : CLOSE.goingAway, reason);
    setTimeout(() => this.#socket.terminate(), TERMINATE_MS).unref();
  }

  #heard(): void {
    this.#lastHeard = performance.now();
    this.#pingedAt = undefined;
  }

  #drained(): void {
    this.#blockedSince = undefined;
    this.#events.drained?.();
  }
}
