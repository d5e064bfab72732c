import { randomUUID } from 'node:crypto';
import { type Server, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import type { Watch } from './resources.ts';

/** A client of the older era, which begins with a handshake. */
export interface Session {
  readonly transport: WebStandardStreamableHTTPServerTransport;
  readonly server: Server;
  readonly watch: Watch;
  readonly agent: string | undefined;
  lastUsed: number;
  /** Requests and streams that are open. */
  open: number;
}

export interface SessionLimits {
  /** Sessions at most; the one that is idle for longest makes room. */
  most: number;
  /** Milliseconds without a request or a stream after which a session is over. */
  idleMs: number;
}

/** The sessions of the older era: bounded, and over when nobody uses them. */
export class Sessions {
  readonly #limits: SessionLimits;
  readonly #open = new Map<string, Session>();
  readonly #timer: NodeJS.Timeout;

  constructor(limits: SessionLimits) {
    this.#limits = limits;
    this.#timer = setInterval(() => this.#expire(), Math.min(limits.idleMs, 60_000)).unref();
  }

  get size(): number {
    return this.#open.size;
  }

  get(id: string): Session | undefined {
    return this.#open.get(id);
  }

  /** Begins a session; undefined where there are too many, and each is in use. */
  async begin(
    agent: string | undefined,
    connect: (session: { changed: (uri: string) => void }) => { server: Server; watch: Watch },
  ): Promise<Session | undefined> {
    if (this.#open.size >= this.#limits.most && !this.#makeRoom()) return undefined;
    const { server, watch } = connect({
      changed: (uri) => void server.sendResourceUpdated({ uri }).catch(() => {}),
    });
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        this.#open.set(id, session);
      },
    });
    const session: Session = { transport, server, watch, agent, lastUsed: Date.now(), open: 0 };
    await server.connect(transport);
    const closed = server.onclose;
    server.onclose = () => {
      closed?.();
      watch.close();
      if (transport.sessionId !== undefined) this.#open.delete(transport.sessionId);
    };
    return session;
  }

  /** Notes that a session is in use; the answer ends it. */
  use(session: Session): () => void {
    session.open++;
    session.lastUsed = Date.now();
    let used = true;
    return () => {
      if (!used) return;
      used = false;
      session.open--;
      session.lastUsed = Date.now();
    };
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([...this.#open.values()].map(({ server }) => server.close()));
  }

  #makeRoom(): boolean {
    let oldest: Session | undefined;
    for (const session of this.#open.values())
      if (session.open === 0 && (oldest === undefined || session.lastUsed < oldest.lastUsed)) oldest = session;
    if (oldest === undefined) return false;
    void oldest.server.close();
    return true;
  }

  #expire(): void {
    const before = Date.now() - this.#limits.idleMs;
    for (const session of [...this.#open.values()])
      if (session.open === 0 && session.lastUsed < before) void session.server.close();
  }
}
