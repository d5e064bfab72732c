/** What the server asks of a client that keeps a connection open. */
export interface Question {
  /** What is asked: `tools.call`. */
  op: string;
  input: Record<string, unknown>;
}

/** What came of a question; it is never silent. */
export type Reply =
  | { ok: true; result: unknown }
  | {
      ok: false;
      /** `refused`: the client said no. `busy`: too much is asked of it already. `gone`: it hung up. */
      code: 'refused' | 'timeout' | 'gone' | 'busy';
      message: string;
    };

/** Asks one connection; fulfilled after `ms` milliseconds at most. */
export type Ask = (question: Question, ms: number) => Promise<Reply>;

/** Connections that are open and can be asked something. A door brings them; it knows nothing of what is asked. */
export class Connections {
  readonly #open = new Map<string, Ask>();
  readonly #gone: (id: string) => void;

  constructor(gone: (id: string) => void) {
    this.#gone = gone;
  }

  /** To be called by a door; what it answers is to be called when the connection is gone. */
  opened(id: string, ask: Ask): () => void {
    this.#open.set(id, ask);
    return () => {
      if (this.#open.delete(id)) this.#gone(id);
    };
  }

  has(id: string): boolean {
    return this.#open.has(id);
  }

  async ask(id: string, question: Question, ms: number): Promise<Reply> {
    const ask = this.#open.get(id);
    return ask === undefined ? { ok: false, code: 'gone', message: 'The connection is gone.' } : ask(question, ms);
  }
}
