import { type AddressInfo, createServer } from 'node:net';

// The unloaded loopback: what comes goes back.
const server = createServer({ noDelay: true }, (socket) => socket.pipe(socket));
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`  address   http://127.0.0.1:${(server.address() as AddressInfo).port}\nReady.\n`);
});
