import type { Question, Reply } from '../../kernel/connections.ts';
import type { ClientFrame } from './frames.ts';
import { LIMITS } from './frames.ts';

/** What the server asked a client and is not answered yet. */
export class Questions {
  readonly #send: (frame: object) => boolean;
  readonly #open = new Map<number, (reply: Reply) => void>();
  #last = 0;

  constructor(send: (frame: object) => boolean) {
    this.#send = send;
  }

  /** Sends the question as a frame `ask`; fulfilled by the frame `reply` with its id, after `ms` milliseconds at most. */
  ask({ op, input }: Question, ms: number): Promise<Reply> {
    if (this.#open.size >= LIMITS.questions)
      return Promise.resolve({ ok: false, code: 'busy', message: `It has ${LIMITS.questions} questions to answer.` });
    const id = ++this.#last;
    return new Promise((resolve) => {
      const answer = (reply: Reply) => {
        clearTimeout(timer);
        this.#open.delete(id);
        resolve(reply);
      };
      const late = { ok: false, code: 'timeout', message: `It did not answer within ${ms} ms.` } as const;
      const timer = setTimeout(() => answer(late), ms);
      this.#open.set(id, answer);
      this.#send({ type: 'ask', id, op, input });
    });
  }

  /** What the client answered. Nobody waits any more for what comes late. */
  answered({ id, ok, result, error }: Extract<ClientFrame, { type: 'reply' }>): void {
    this.#open.get(id)?.(
      ok
        ? { ok: true, result: result ?? null }
        : { ok: false, code: 'refused', message: error ?? 'It refused, and did not say why.' },
    );
  }

  /** Answers what is open: the client is gone. */
  close(): void {
    for (const answer of [...this.#open.values()])
      answer({ ok: false, code: 'gone', message: 'The connection went away before it answered.' });
  }
}
