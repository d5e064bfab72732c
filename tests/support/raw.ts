import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  status: number;
  /** Lower-case names. */
  headers: Record<string, string>;
  body: string;
  /** Everything that came. */
  text: string;
  /** The server hung up, before the time was over. */
  ended: boolean;
}

/** Opens a TCP connection to a server of this machine. */
export async function rawSocket(port: number): Promise<Socket & AsyncDisposable> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return Object.assign(socket, {
    [Symbol.asyncDispose]: async () => {
      if (socket.closed) return;
      socket.destroy();
      await once(socket, 'close');
    },
  });
}

/** Sends bytes as they are and reads until the server hangs up, or for `ms`. */
export async function raw(port: number, bytes: string | Buffer, ms = 2_000): Promise<RawAnswer> {
  await using socket = await rawSocket(port);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.write(bytes);
  let ended = true;
  const timer = setTimeout(() => {
    ended = false;
    socket.destroy();
  }, ms);
  if (!socket.closed) await once(socket, 'close');
  clearTimeout(timer);
  return { ...parse(Buffer.concat(chunks).toString()), ended };
}

/** A request line with its headers; the connection ends after the answer. */
export function request(target: string, headers: readonly string[], body = ''): string {
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  return [`${target} HTTP/1.1`, ...headers, ...length, 'Connection: close', '', body].join('\r\n');
}

function parse(text: string): Omit<RawAnswer, 'ended'> {
  const end = text.indexOf('\r\n\r\n');
  const [line = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((each) => [each.slice(0, each.indexOf(':')).toLowerCase(), each.slice(each.indexOf(':') + 1).trim()]),
  );
  return { status: Number(line.split(' ')[1]), headers, body: text.slice(end + 4), text };
}
