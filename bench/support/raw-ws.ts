import { connect, type Socket } from 'node:net';

const NO_MASK = Buffer.alloc(4);

/** A text frame as a client sends it (RFC 6455, section 5); the mask is zero, so the text stays as it is. */
export function textFrame(text: string, opcode = 1): Buffer {
  const body = Buffer.from(text);
  const head =
    body.length < 126
      ? Buffer.from([0x80 | opcode, 0x80 | body.length])
      : Buffer.from([0x80 | opcode, 0x80 | 126, body.length >> 8, body.length & 0xff]);
  return Buffer.concat([head, NO_MASK, body]);
}

/** A WebSocket that costs the measuring side little: frames are handed on as bytes. */
export class RawSocket {
  readonly #socket: Socket;
  readonly #received: (payload: Buffer) => void;
  #partial: Buffer | undefined;
  #open: (() => void) | undefined;
  #failed: (error: Error) => void;

  private constructor(
    socket: Socket,
    received: (payload: Buffer) => void,
    open: () => void,
    failed: (error: Error) => void,
  ) {
    this.#socket = socket;
    this.#received = received;
    this.#open = open;
    this.#failed = failed;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (error) => this.#failed(error));
    socket.on('close', () => this.#failed(new Error('the server closed the WebSocket')));
  }

  /** Opens it; `failed` is told of an end that this side did not ask for. */
  static open(port: number, path: string, received: (payload: Buffer) => void, failed: (error: Error) => void) {
    return new Promise<RawSocket>((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () =>
        socket.write(
          `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: reflectt.v1\r\n\r\n`,
        ),
      );
      const raw: RawSocket = new RawSocket(
        socket,
        received,
        () => resolve(raw),
        (error) => {
          reject(error);
          failed(error);
        },
      );
    });
  }

  write(frames: Buffer): void {
    this.#socket.write(frames);
  }

  close(): void {
    this.#failed = () => {};
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    let data = this.#partial ? Buffer.concat([this.#partial, chunk]) : chunk;
    this.#partial = undefined;
    if (this.#open) {
      const end = data.indexOf('\r\n\r\n');
      if (end === -1) {
        this.#partial = data;
        return;
      }
      if (!data.toString('latin1', 0, 12).startsWith('HTTP/1.1 101')) return this.#failed(new Error(data.toString()));
      data = data.subarray(end + 4);
      this.#open();
      this.#open = undefined;
    }
    let at = 0;
    while (data.length - at >= 2) {
      const opcode = (data[at] as number) & 0x0f;
      let length = (data[at + 1] as number) & 0x7f;
      let head = 2;
      if (length === 126) {
        head = 4;
        if (data.length - at < head) break;
        length = data.readUInt16BE(at + 2);
      } else if (length === 127) {
        head = 10;
        if (data.length - at < head) break;
        length = Number(data.readBigUInt64BE(at + 2));
      }
      if (data.length - at < head + length) break;
      const payload = data.subarray(at + head, at + head + length);
      at += head + length;
      if (opcode === 1) this.#received(payload);
      else if (opcode === 9) this.#socket.write(textFrame(payload.toString(), 10));
      else this.#failed(new Error(`a frame with opcode ${opcode}: ${payload.toString('utf8', 2)}`));
    }
    if (at < data.length) this.#partial = data.subarray(at);
  }
}
