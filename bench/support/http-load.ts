import { connect, type Socket } from 'node:net';

/** A keep-alive connection with one request at a time, made to cost the measuring side little. */
export class HttpLane {
  readonly #socket: Socket;
  #partial: Buffer | undefined;
  #answered: ((body: Buffer) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('close', () => this.#failed?.(new Error('the server closed the connection')));
    socket.on('error', () => {});
  }

  static open(port: number): Promise<HttpLane> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(new HttpLane(socket)));
      socket.once('error', reject);
    });
  }

  /** Calls back with the body of the answer, or with an error where the status is not 200. */
  send(request: Buffer, answered: (body: Buffer) => void, failed: (error: Error) => void): void {
    this.#answered = answered;
    this.#failed = failed;
    this.#socket.write(request);
  }

  request(request: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => this.send(request, resolve, reject));
  }

  close(): void {
    this.#failed = undefined;
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    const data = this.#partial ? Buffer.concat([this.#partial, chunk]) : chunk;
    const head = data.toString('latin1', 0, Math.min(data.length, 1_024));
    const end = head.indexOf('\r\n\r\n') + 4;
    const at = head.indexOf('content-length: ');
    if (end < 4 || at === -1) {
      this.#partial = data;
      return;
    }
    const total = end + Number.parseInt(head.slice(at + 16, at + 26), 10);
    if (data.length < total) {
      this.#partial = data;
      return;
    }
    this.#partial = undefined;
    if (head.startsWith('HTTP/1.1 200')) this.#answered?.(data.subarray(end, total));
    else this.#failed?.(new Error(data.toString()));
  }
}

export function getRequest(port: number, path: string, headers: Record<string, string> = {}): Buffer {
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${more.join('')}\r\n`);
}

export function postRequest(port: number, path: string, body: object, headers: Record<string, string> = {}): Buffer {
  const text = JSON.stringify(body);
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n${more.join('')}\r\n${text}`,
  );
}

export interface Load {
  responses: number;
  /** Responses a second. */
  rate: number;
  /** Milliseconds, one for each response. */
  latencies: number[];
}

/** Sends the same request over many connections for a time, on each the next one when the answer is there. */
export function httpLoad(port: number, request: Buffer, connections: number, ms: number): Promise<Load> {
  const until = performance.now() + ms;
  return lanesLoad(port, connections, () => (performance.now() < until ? request : undefined));
}

/**
 * Sends requests over many connections, on each the next one when the answer is there, until there is none for it.
 * `next` gets the number of the connection and the answer before.
 */
export async function lanesLoad(
  port: number,
  connections: number,
  next: (lane: number, answer: Buffer | undefined) => Buffer | undefined,
): Promise<Load> {
  const lanes = await Promise.all(Array.from({ length: connections }, () => HttpLane.open(port)));
  const latencies: number[] = [];
  const began = performance.now();
  let ended = began;
  try {
    await Promise.all(
      lanes.map(
        (lane, i) =>
          new Promise<void>((resolve, reject) => {
            const go = (before: Buffer | undefined) => {
              const request = next(i, before);
              if (request === undefined) return resolve();
              const sent = performance.now();
              const answered = (body: Buffer) => {
                ended = performance.now();
                latencies.push(ended - sent);
                go(body);
              };
              lane.send(request, answered, reject);
            };
            go(undefined);
          }),
      ),
    );
  } finally {
    for (const lane of lanes) lane.close();
  }
  return { responses: latencies.length, rate: latencies.length / ((ended - began) / 1_000), latencies };
}
