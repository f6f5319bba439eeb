import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type HealthAnswer, HealthPortUnusable, HealthServer } from '../../../worker/observe/health-server.ts';

describe('the health server', () => {
  let server: HealthServer;
  let live: HealthAnswer = { ok: true, body: { status: 'alive' } };
  let ready: () => Promise<HealthAnswer> = async () => ({ ok: true, body: { status: 'ready' } });

  beforeEach(async () => {
    live = { ok: true, body: { status: 'alive' } };
    ready = async () => ({ ok: true, body: { status: 'ready' } });
    server = await HealthServer.open({
      port: 0,
      live: () => live,
      ready: () => ready(),
      metrics: async () => ({ body: 'muster_up 1\n', mediaType: 'text/plain; version=0.0.4' }),
    });
  });
  afterEach(() => server.close());

  const ask = (path: string, method = 'GET') => fetch(`http://127.0.0.1:${server.port}${path}`, { method });

  /** Sends text as it is, and gives all that comes back until the connection ends. */
  function converse(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(server.port, '127.0.0.1', () => socket.write(text));
      let answer = '';
      socket.on('data', (data) => {
        answer += data;
      });
      socket.on('close', () => resolve(answer));
      socket.on('error', reject);
    });
  }

  it('answers 200 where all is well and 503 where it is not, with the reasons', async () => {
    const well = await ask('/health/live?verbose=1');
    live = { ok: false, body: { status: 'stuck', stalls: ['loop'] } };
    const unwell = await ask('/health/live');

    assert.deepEqual([well.status, await well.json()], [200, { status: 'alive' }]);
    assert.deepEqual([unwell.status, await unwell.json()], [503, { status: 'stuck', stalls: ['loop'] }]);
    assert.equal(well.headers.get('cache-control'), 'no-store');
  });

  it('answers 404 for other paths, those of every object included, and 405 for other methods', async () => {
    const paths = ['/', '/health', '/health/ready/', '/constructor', '/__proto__', '//health/live'];
    const statuses = await Promise.all(paths.map(async (path) => (await ask(path)).status));

    assert.deepEqual(
      statuses,
      paths.map(() => 404),
    );
    assert.equal((await ask('/health/ready', 'POST')).status, 405);
    assert.equal((await ask('/metrics', 'DELETE')).status, 405);
  });

  it('answers HEAD without a body', async () => {
    const answer = await ask('/metrics', 'HEAD');

    assert.deepEqual([answer.status, await answer.text()], [200, '']);
    assert.match(answer.headers.get('content-type') ?? '', /^text\/plain/);
  });

  it('answers 500 when the question itself fails, and continues', async () => {
    ready = () => Promise.reject(new Error('out of order'));
    const failed = await ask('/health/ready');
    ready = async () => ({ ok: true, body: {} });

    assert.deepEqual([failed.status, await failed.json()], [500, { status: 'error', error: 'out of order' }]);
    assert.equal((await ask('/health/ready')).status, 200);
  });

  it('ends the connection of a client that speaks no HTTP', async () => {
    assert.equal(await converse('hello\r\n\r\n'), '');
  });

  it('serves others while a client never ends its question, and closes all the same', async () => {
    const slow = converse('GET /health/live HTTP/1.1\r\nHost: x\r\n').catch(() => 'cut');

    assert.equal((await ask('/health/live')).status, 200);
    await server.close();
    assert.ok(['', 'cut'].includes(await slow));
    await assert.rejects(ask('/health/live'));
  });

  it('says which port cannot be used', async () => {
    const { port } = server;
    const taken = HealthServer.open({
      port,
      live: () => live,
      ready,
      metrics: async () => ({ body: '', mediaType: '' }),
    });

    await assert.rejects(taken, (error) => error instanceof HealthPortUnusable && error.message.includes(`${port}`));
  });
});
