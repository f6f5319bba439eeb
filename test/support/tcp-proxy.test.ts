import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { eventually } from './eventually.ts';
import { startProxy, type TcpProxy } from './tcp-proxy.ts';

interface Client {
  socket: Socket;
  received(): string;
  closed(): string | null;
}

describe('a TCP proxy in front of an echo server', () => {
  let echo: Server;
  let proxy: TcpProxy;

  beforeEach(async () => {
    echo = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.pipe(socket);
    });
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const address = echo.address();
    assert.ok(typeof address === 'object' && address !== null);
    proxy = await startProxy({ targetPort: address.port, random: () => 0.5 });
  });

  afterEach(async () => {
    await proxy.close();
    echo.close();
  });

  function dial(): Client {
    const socket = connect({ port: proxy.port, host: '127.0.0.1' });
    let text = '';
    let end: string | null = null;
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      end = error.code ?? error.message;
    });
    socket.on('close', () => {
      end ??= 'closed';
    });
    return { socket, received: () => text, closed: () => end };
  }

  it('hands bytes on both ways and counts its connections', async () => {
    const client = dial();

    client.socket.write('hello');

    await eventually(() => assert.equal(client.received(), 'hello'));
    assert.equal(proxy.connections, 1);
    client.socket.destroy();
    await eventually(() => assert.equal(proxy.connections, 0));
    assert.equal(proxy.accepted, 1);
  });

  it('ends each new connection while it refuses', async () => {
    proxy.set('refuse');

    const client = dial();

    await eventually(() => assert.notEqual(client.closed(), null));
    assert.equal(client.received(), '');
  });

  it('keeps connections open and drops their bytes as a black hole', async () => {
    const client = dial();
    client.socket.write('a');
    await eventually(() => assert.equal(client.received(), 'a'));

    proxy.set('blackHole');
    client.socket.write('lost');
    await eventually(() => assert.equal(proxy.dropped, 4));
    assert.equal(client.closed(), null);
  });

  it('cuts, when a black hole ends, the connections that lost bytes, and no others', async () => {
    const [robbed, spared] = [dial(), dial()];
    for (const { socket } of [robbed, spared]) socket.write('a');
    await eventually(() => assert.deepEqual([robbed.received(), spared.received()], ['a', 'a']));

    proxy.set('blackHole');
    robbed.socket.write('lost');
    await eventually(() => assert.equal(proxy.dropped, 4));
    proxy.set('pass');
    spared.socket.write('b');

    await eventually(() => assert.notEqual(robbed.closed(), null));
    await eventually(() => assert.equal(spared.received(), 'ab'));
  });

  it('holds bytes back by the delay and keeps their order', async () => {
    proxy.set({ delayMs: 40, jitterMs: 20 });
    const client = dial();
    const startedAt = Date.now();

    client.socket.write('one');
    client.socket.write('two');

    await eventually(() => assert.equal(client.received(), 'onetwo'));
    assert.ok(Date.now() - startedAt >= 99, 'each way is held back by 50 ms');
  });

  it('resets open and new connections', async () => {
    const open = dial();
    open.socket.write('a');
    await eventually(() => assert.equal(open.received(), 'a'));

    proxy.set('reset');
    const late = dial();

    await eventually(() => assert.equal(open.closed(), 'ECONNRESET'));
    await eventually(() => assert.equal(late.closed(), 'ECONNRESET'));
  });

  it('cuts once after so many bytes and passes later connections', async () => {
    const client = dial();
    proxy.cutAfterBytes(7);

    client.socket.write('12345');

    await eventually(() => assert.equal(client.closed(), 'closed'));
    assert.equal(client.received(), '12');
    const next = dial();
    next.socket.write('again');
    await eventually(() => assert.equal(next.received(), 'again'));
  });
});
