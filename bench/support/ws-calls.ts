import { MESSAGE } from './messages.ts';
import { RawSocket, textFrame } from './raw-ws.ts';

/** Ids have one width, so that a call is made by writing digits into a copy of one frame. */
const FIRST_ID = 1_000_000;
const RESULT_ID = '{"type":"result","id":'.length;

export interface CallerOptions {
  port: number;
  /** Told of each answer: the index of the call, counted from 0. */
  answered: (index: number) => void;
  failed: (error: Error) => void;
}

/** A socket on /ws that calls messages.send, many at a time. */
export class WsCaller {
  readonly #socket: RawSocket;
  readonly #template: Buffer;
  readonly #idAt: number;
  sent = 0;

  private constructor(socket: RawSocket) {
    this.#socket = socket;
    const call = { type: 'call', id: FIRST_ID, op: 'messages.send', input: MESSAGE };
    this.#template = textFrame(JSON.stringify(call));
    this.#idAt = this.#template.indexOf(String(FIRST_ID));
  }

  static async open({ port, answered, failed }: CallerOptions): Promise<WsCaller> {
    const received = (payload: Buffer) => {
      const head = payload.toString('latin1', 0, RESULT_ID + 17);
      if (head.startsWith('{"type":"hello"')) return;
      if (!head.startsWith(',"ok":true', RESULT_ID + 7)) return failed(new Error(payload.toString()));
      answered(Number(head.slice(RESULT_ID, RESULT_ID + 7)) - FIRST_ID);
    };
    return new WsCaller(await RawSocket.open(port, '/ws', received, failed));
  }

  /** Sends `n` calls in one write. */
  send(n: number): void {
    const { length } = this.#template;
    const frames = Buffer.allocUnsafe(n * length);
    for (let i = 0; i < n; i++) {
      this.#template.copy(frames, i * length);
      frames.write(String(FIRST_ID + this.sent++), i * length + this.#idAt, 'latin1');
    }
    this.#socket.write(frames);
  }

  close(): void {
    this.#socket.close();
  }
}

/** Keeps `window` calls in flight for a time, then waits for the last answer. */
export async function pipelinedCalls(port: number, window: number, ms: number) {
  const sentAt: number[] = [];
  const latencies: number[] = [];
  let ended = 0;
  const began = performance.now();
  await new Promise<void>((resolve, reject) => {
    let owed = 0;
    let caller: WsCaller | undefined;
    const send = (n: number) => {
      const now = performance.now();
      for (let i = 0; i < n; i++) sentAt.push(now);
      caller?.send(n);
    };
    const refill = () => {
      const n = owed;
      owed = 0;
      if (performance.now() - began < ms) send(n);
      else if (latencies.length === sentAt.length) {
        caller?.close();
        resolve();
      }
    };
    const answered = (index: number) => {
      ended = performance.now();
      latencies.push(ended - (sentAt[index] as number));
      if (owed++ === 0) setImmediate(refill);
    };
    WsCaller.open({ port, answered, failed: reject }).then((opened) => {
      caller = opened;
      send(window);
    }, reject);
  });
  return { responses: latencies.length, rate: latencies.length / ((ended - began) / 1_000), latencies };
}
