import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import { parse as parseJson } from 'secure-json-parse';
import type { RawData, WebSocket } from 'ws';
import { Refusal, toProblem } from '../../kernel/errors.ts';
import type { Feed } from '../../kernel/feed/feed.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Stream, StreamSettings } from '../streams.ts';
import { CLOSE } from './close-codes.ts';
import { Connection } from './connection.ts';
import { ClientFrame, LIMITS } from './frames.ts';
import { Questions } from './questions.ts';
import { resetFrame, Subscription } from './subscription.ts';

export interface HubOptions {
  kernel: Kernel;
  settings: StreamSettings;
  /** A name for the connection. */
  id: string;
  agent: string | undefined;
  /** Told of a thrown value that is no Refusal. */
  onBug: (error: unknown, op: string) => void;
}

/** One client of /ws: subscriptions with cursors, and calls of any operation. */
export class HubClient implements Stream {
  readonly #kernel: Kernel;
  readonly #feed: Feed;
  readonly #socket: WebSocket;
  readonly #connection: Connection;
  readonly #settings: StreamSettings;
  readonly #agent: string | undefined;
  readonly #onBug: HubOptions['onBug'];
  readonly #subscriptions = new Map<string, Subscription>();
  /** Subscriptions that wait for their snapshot. */
  readonly #opening = new Map<string, symbol>();
  readonly #gone = new AbortController();
  readonly #id: string;
  readonly #questions = new Questions((frame) => this.#connection.send(JSON.stringify(frame)));
  #inFlight = 0;
  #results: string[] = [];
  #lastIdle = performance.now();

  constructor(socket: WebSocket, tcp: Socket, { kernel, settings, id, agent, onBug }: HubOptions) {
    this.#kernel = kernel;
    this.#feed = kernel.feed;
    this.#socket = socket;
    this.#settings = settings;
    this.#id = id;
    this.#agent = agent;
    this.#onBug = onBug;
    this.#connection = new Connection(socket, tcp, settings, {
      drained: () => {
        socket.resume();
        for (const subscription of this.#subscriptions.values()) subscription.resume();
      },
      closed: () => {
        this.#gone.abort();
        left();
        this.#questions.close();
        for (const subscription of this.#subscriptions.values()) subscription.close();
        this.#subscriptions.clear();
      },
    });
    const left = kernel.connections.opened(id, (question, ms) => this.#questions.ask(question, ms));
    // Each call that waits listens.
    setMaxListeners(0, this.#gone.signal);
    socket.on('message', (data, binary) => this.#receive(data, binary));
    this.#send({
      type: 'hello',
      protocol: 'reflectt.v1',
      epoch: this.#feed.epoch,
      head: this.#feed.cursor(),
      earliest: this.#feed.cursor(this.#feed.earliest),
      conn: id,
      ...(agent !== undefined && { agent }),
      heartbeat_ms: settings.pingMs,
      limits: LIMITS,
    });
  }

  tick(now: number): void {
    this.#connection.tick(now);
    if (now - this.#lastIdle < this.#settings.idleMs) return;
    this.#lastIdle = now;
    for (const subscription of this.#subscriptions.values()) subscription.idle();
  }

  end(reason: 'shutdown' | 'restart'): void {
    this.#connection.end(reason);
  }

  #send(frame: object): void {
    this.#connection.send(JSON.stringify(frame));
  }

  #receive(data: RawData, binary: boolean): void {
    // What came behind the frame for which the socket is being closed would be done, and its answer lost.
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    let frame: ClientFrame;
    try {
      if (binary) throw new Error('binary');
      const result = ClientFrame.safeParse(parseJson(data.toString()));
      if (!result.success) {
        const [issue] = result.error.issues;
        this.#connection.close(CLOSE.badFrame, `${issue?.path.join('.') || 'frame'}: ${issue?.message}`);
        return;
      }
      frame = result.data;
    } catch {
      this.#connection.close(CLOSE.badFrame, 'a frame is one JSON object, as text');
      return;
    }
    this.#handle(frame);
  }

  #handle(frame: ClientFrame): void {
    switch (frame.type) {
      case 'call':
        this.#call(frame);
        break;
      case 'subscribe':
        this.#subscribe(frame).catch((error: unknown) => this.#refuse(frame.sid, error));
        break;
      case 'unsubscribe':
        this.#opening.delete(frame.sid);
        this.#subscriptions.get(frame.sid)?.close();
        this.#subscriptions.delete(frame.sid);
        break;
      case 'ack':
        this.#ack(frame);
        break;
      case 'reply':
        this.#questions.answered(frame);
        break;
      case 'ping':
        this.#send({ type: 'pong', ...(frame.id !== undefined && { id: frame.id }) });
        break;
      case 'auth':
        this.#connection.close(CLOSE.unauthenticated, 'this server has no tokens: connect without');
        break;
    }
  }

  #call({ id, op, input, idempotencyKey, ifMatch }: Extract<ClientFrame, { type: 'call' }>): void {
    if (this.#inFlight >= LIMITS.calls_in_flight) {
      this.#connection.close(CLOSE.tooManyCalls, `more than ${LIMITS.calls_in_flight} calls are not answered yet`);
      return;
    }
    this.#inFlight++;
    let outcome: ReturnType<Kernel['call']>;
    try {
      outcome = this.#kernel.call(op, input, {
        agent: this.#agent,
        connection: this.#id,
        idempotencyKey,
        ifMatch,
        signal: this.#gone.signal,
      });
    } catch (error) {
      outcome = Promise.reject(error);
    }
    outcome.then(
      ({ value, seq, etag, agent, replayed }) =>
        this.#result(
          `{"type":"result","id":${JSON.stringify(id)},"ok":true,"seq":${seq}${etag === undefined ? '' : `,"etag":${JSON.stringify(etag)}`}${replayed ? ',"replayed":true' : ''}${agent === undefined ? '' : this.#counters(agent)},"result":${JSON.stringify(value)}}`,
        ),
      (error: unknown) => {
        if (!(error instanceof Refusal)) this.#onBug(error, op);
        const { type, ...problem } = toProblem(error);
        this.#result(JSON.stringify({ type: 'result', id, ok: false, ...problem, about: type }));
      },
    );
  }

  /** Small figures for the agent, as members of a frame. */
  #counters(agent: string): string {
    return Object.entries(this.#kernel.counters(agent))
      .map(([name, n]) => `,"${name}":${n}`)
      .join('');
  }

  /** Results that come in the same turn of the event loop go out in one write. */
  #result(text: string): void {
    this.#inFlight--;
    this.#results.push(text);
    if (this.#results.length > 1) return;
    setImmediate(() => {
      const results = this.#results;
      this.#results = [];
      // A client that sends calls and does not read the answers is not read from either, but for its close frame.
      if (!this.#connection.sendAll(results) && this.#socket.readyState === this.#socket.OPEN) this.#socket.pause();
    });
  }

  async #subscribe({
    sid,
    after,
    filter,
    snapshot,
    ephemeral,
  }: Extract<ClientFrame, { type: 'subscribe' }>): Promise<void> {
    if (filter.agent !== undefined && this.#agent !== undefined && filter.agent !== this.#agent) {
      this.#connection.close(CLOSE.forbidden, `this socket is ${this.#agent}'s`);
      return;
    }
    if (this.#subscriptions.has(sid) || this.#opening.has(sid))
      throw new Refusal('conflict', `There is a subscription "${sid}" on this socket.`);
    if (this.#subscriptions.size + this.#opening.size >= LIMITS.subscriptions)
      throw new Refusal('rate_limited', `A socket has at most ${LIMITS.subscriptions} subscriptions.`);
    const place = this.#feed.locate(after);
    if ('gap' in place) {
      this.#connection.send(resetFrame(this.#feed, sid, place.gap));
      return;
    }
    let { seq } = place;
    if (snapshot) {
      const taken = await this.#snapshot(sid, this.#agent ?? filter.agent);
      if (taken === undefined) return;
      this.#send({ type: 'snapshot', sid, cursor: taken.cursor, state: taken.state });
      seq = taken.seq;
    }
    const subscription = new Subscription(this.#feed, this.#connection, {
      sid,
      after: seq,
      filter: this.#feed.filter(filter, this.#agent),
      ephemeral: ephemeral ?? false,
      ended: () => this.#subscriptions.delete(sid),
    });
    this.#subscriptions.set(sid, subscription);
    subscription.start();
  }

  /** Undefined where the client has gone or has taken the subscription back meanwhile. */
  async #snapshot(
    sid: string,
    agent: string | undefined,
  ): Promise<Awaited<ReturnType<Kernel['snapshot']>> | undefined> {
    const ticket = Symbol(sid);
    this.#opening.set(sid, ticket);
    try {
      const taken = await this.#kernel.snapshot(agent);
      return this.#gone.signal.aborted || this.#opening.get(sid) !== ticket ? undefined : taken;
    } finally {
      if (this.#opening.get(sid) === ticket) this.#opening.delete(sid);
    }
  }

  #ack({ sid, cursor }: Extract<ClientFrame, { type: 'ack' }>): void {
    try {
      const subscription = this.#subscriptions.get(sid);
      if (subscription === undefined)
        throw new Refusal('invalid_input', `There is no subscription "${sid}" on this socket.`);
      const seq = this.#feed.locateOrRefuse(cursor);
      if (seq > subscription.position) throw new Refusal('invalid_cursor', 'The cursor is ahead of what was sent.');
      subscription.acked = Math.max(subscription.acked, seq);
    } catch (error) {
      this.#refuse(sid, error);
    }
  }

  #refuse(sid: string, error: unknown): void {
    if (!(error instanceof Refusal)) this.#onBug(error, 'subscribe');
    const { type, ...problem } = toProblem(error);
    this.#send({ type: 'error', sid, ...problem, about: type });
  }
}
