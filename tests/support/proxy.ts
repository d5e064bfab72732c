import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Proxy extends AsyncDisposable {
  url: string;
  port: number;
  /** Where connections that begin from now on lead. */
  target: number;
  /** Called once, before the first bytes of the server's next answer are passed on; what is true keeps them back and hangs up. */
  beforeAnswer: (() => Promise<boolean>) | undefined;
  /** Hangs up on everybody. */
  cut(): void;
  /** Connections that were made. */
  connections: number;
}

/** Stands between a client and a server, on a port that stays. */
export async function openProxy(): Promise<Proxy> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    proxy.connections++;
    const far = connect(proxy.target, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
    }
    near.on('data', (data) => far.write(data));
    far.on('data', async (data) => {
      const hook = proxy.beforeAnswer;
      proxy.beforeAnswer = undefined;
      if (hook && (await hook())) near.destroy();
      else near.write(data);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const proxy: Proxy = {
    url: `http://127.0.0.1:${port}`,
    port,
    target: 0,
    beforeAnswer: undefined,
    connections: 0,
    cut() {
      for (const socket of open) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      proxy.cut();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}
