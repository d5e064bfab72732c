import { setTimeout as pause } from 'node:timers/promises';
import { errorFrame, type Frame, framesOf, headersOf, revisionOf } from './frames.ts';

export interface BridgeOptions {
  /** Where /mcp is. */
  url: string;
  /** Who it speaks for. */
  agent: string | undefined;
  /** Takes a frame for the host. */
  write: (frame: object) => void;
  /** Takes a word for whoever reads the log of the host. */
  note: (text: string) => void;
}

const RETRY_MS = 1_000;
const FAULT = -32603;

/**
 * Carries frames between a host, which speaks over a pipe, and a server, which speaks HTTP. It knows as much of the
 * protocol as it must: headers, sessions, and how a request is taken back. A server that was started anew gets the
 * handshake of the host again, so that the host need not know of it.
 */
export class Bridge {
  readonly #options: BridgeOptions;
  readonly #closing = new AbortController();
  readonly #open = new Map<string | number, AbortController>();
  /** What a session is made of again: the handshake, and what is watched. */
  #handshake: Frame | undefined;
  readonly #watched = new Map<string, Frame>();
  #session: string | undefined;
  #version: string | undefined;
  #renewing: Promise<boolean> | undefined;

  constructor(options: BridgeOptions) {
    this.#options = options;
  }

  /** Takes a frame of the host. Never rejects: what goes wrong is told to the host. */
  async receive(frame: Frame): Promise<void> {
    const { id, method, params } = frame;
    const cancelled = method === 'notifications/cancelled' ? (params?.requestId as string | number) : undefined;
    if (cancelled !== undefined && this.#session === undefined) {
      // Without a session, a request is taken back by not waiting for its answer.
      this.#open.get(cancelled)?.abort();
      return;
    }
    const abort = new AbortController();
    if (id !== undefined && id !== null && method !== undefined) this.#open.set(id, abort);
    try {
      await this.#carry(frame, abort.signal);
    } catch (error) {
      if (abort.signal.aborted || this.#closing.signal.aborted) return;
      this.#options.note(`${method ?? 'an answer'}: ${reasonOf(error)}`);
      if (id !== undefined && method !== undefined)
        this.#options.write(
          errorFrame(
            id,
            FAULT,
            `reflectt-node does not answer at ${this.#options.url} (${reasonOf(error)}): is it running?`,
          ),
        );
    } finally {
      if (id !== undefined && id !== null) this.#open.delete(id);
    }
  }

  /** Ends the session and everything that is open. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const each of this.#open.values()) each.abort();
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined) return;
    await fetch(this.#options.url, { method: 'DELETE', headers: this.#headers({}, session) }).catch(() => {});
  }

  async #carry(frame: Frame, signal: AbortSignal): Promise<void> {
    const session = this.#session;
    let response = await this.#post(frame, signal);
    if (response.status === 404 && session !== undefined && (await this.#renew(session, signal)))
      response = await this.#post(frame, signal);
    if (frame.method === 'initialize') this.#begun(frame, response);
    for await (const answer of framesOf(response)) this.#answered(frame, answer);
    if (frame.method === 'initialize' && this.#session !== undefined) void this.#listen(this.#session);
  }

  #answered(frame: Frame, answer: Frame): void {
    if (frame.method === 'initialize') this.#version = String(answer.result?.protocolVersion ?? '');
    const uri = String(frame.params?.uri);
    if (frame.method === 'resources/subscribe' && answer.result) this.#watched.set(uri, frame);
    if (frame.method === 'resources/unsubscribe') this.#watched.delete(uri);
    // What is refused before there is a call has no id of its own.
    if (frame.id !== undefined && answer.error && answer.id === null) this.#options.write({ ...answer, id: frame.id });
    else this.#options.write(answer);
  }

  #begun(frame: Frame, response: Response): void {
    this.#session = response.headers.get('mcp-session-id') ?? undefined;
    this.#handshake = frame;
  }

  #post(frame: Frame, signal: AbortSignal): Promise<Response> {
    const begins = frame.method === 'initialize' || revisionOf(frame) !== undefined;
    return fetch(this.#options.url, {
      method: 'POST',
      headers: this.#headers(
        { ...headersOf(frame), 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        begins ? undefined : this.#session,
      ),
      body: JSON.stringify(frame),
      signal,
    });
  }

  #headers(more: Record<string, string>, session: string | undefined): Record<string, string> {
    const { agent } = this.#options;
    return {
      ...(agent !== undefined && { 'x-agent': agent }),
      ...(session !== undefined && { 'mcp-session-id': session }),
      ...(session !== undefined && this.#version && { 'mcp-protocol-version': this.#version }),
      ...more,
    };
  }

  /** Begins a session again in the place of one that is over; once for all that find it so. */
  #renew(over: string, signal: AbortSignal): Promise<boolean> {
    if (this.#session !== over) return Promise.resolve(this.#session !== undefined);
    this.#renewing ??= this.#begin(signal).finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #begin(signal: AbortSignal): Promise<boolean> {
    const handshake = this.#handshake as Frame;
    const response = await this.#post(handshake, signal);
    await response.text();
    if (!response.ok) return false;
    this.#begun(handshake, response);
    const again: Frame[] = [{ jsonrpc: '2.0', method: 'notifications/initialized' }, ...this.#watched.values()];
    for (const frame of again) await (await this.#post(frame, signal)).text();
    if (this.#session !== undefined) void this.#listen(this.#session);
    return true;
  }

  /** What a server says by itself in a session, for as long as the session is this one. */
  async #listen(session: string): Promise<void> {
    while (this.#session === session && !this.#closing.signal.aborted) {
      try {
        const response = await fetch(this.#options.url, {
          headers: this.#headers({ accept: 'text/event-stream' }, session),
          signal: this.#closing.signal,
        });
        if (response.status === 404 && !(await this.#renew(session, this.#closing.signal))) return;
        if (response.ok) for await (const frame of framesOf(response)) this.#options.write(frame);
        else await response.text();
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        this.#options.note(`the stream of the session: ${reasonOf(error)}`);
      }
      await pause(RETRY_MS, undefined, { signal: this.#closing.signal }).catch(() => {});
    }
  }
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as Error & { cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? message;
}
