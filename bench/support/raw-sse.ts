import { connect, type Socket } from 'node:net';

function eventsRequest(port: number): string {
  return `GET /events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\n\r\n`;
}

/** Opens an event stream and reads nothing of it, ever. */
export function openStoppedStream(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => {
      socket.pause();
      socket.write(eventsRequest(port), () => resolve(socket));
    });
    socket.on('error', reject);
  });
}

/** Opens an event stream; `received` gets what it carries, in whole writes of the server. Resolves at its first frame. */
export function openRawStream(
  port: number,
  received: (text: string) => void,
  failed: (error: Error) => void,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    let partial: Buffer | undefined;
    let inBody = false;
    const stop = (error: Error) => {
      reject(error);
      failed(error);
    };
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(eventsRequest(port)));
    socket.on('error', stop);
    socket.on('data', (chunk) => {
      let data = partial ? Buffer.concat([partial, chunk]) : chunk;
      partial = undefined;
      if (!inBody) {
        const end = data.indexOf('\r\n\r\n');
        if (end === -1) {
          partial = data;
          return;
        }
        if (!data.toString('latin1', 0, 12).startsWith('HTTP/1.1 200')) return stop(new Error(data.toString()));
        data = data.subarray(end + 4);
        inBody = true;
      }
      // Chunked transfer coding (RFC 9112, section 7.1): the size in hexadecimal, CRLF, the bytes, CRLF.
      while (data.length > 0) {
        const sizeEnd = data.subarray(0, 16).indexOf('\r\n');
        const size = sizeEnd === -1 ? 0 : Number.parseInt(data.toString('latin1', 0, sizeEnd), 16);
        const end = sizeEnd + 2 + size;
        if (sizeEnd === -1 || data.length < end + 2) {
          partial = data;
          return;
        }
        if (size === 0) return stop(new Error('the server ended the stream'));
        received(data.toString('latin1', sizeEnd + 2, end));
        resolve(socket);
        data = data.subarray(end + 2);
      }
    });
  });
}
