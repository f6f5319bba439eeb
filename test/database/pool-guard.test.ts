import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { type GuardedClient, PoolGuard } from '../../database/pool-guard.ts';

/** A client as the pool hands it out. */
class FakeClient extends EventEmitter implements GuardedClient {
  readonly releases: unknown[] = [];
  release = (error?: Error | boolean): void => {
    this.releases.push(error);
    this.emit('released', error);
  };
}

/** A pool that makes a new client for each caller. */
class FakePool extends EventEmitter {
  totalCount = 0;
  idleCount = 0;
  options = { max: 10 };
  connect(): Promise<FakeClient> {
    const client = new FakeClient();
    this.totalCount += 1;
    client.once('released', (error) => {
      this.emit('release', error, client);
      this.totalCount -= 1;
      this.emit('remove', client);
    });
    this.emit('connect', client);
    this.emit('acquire', client);
    return Promise.resolve(client);
  }
}

describe('the pool guard', () => {
  let pool: FakePool;
  let guard: PoolGuard;

  beforeEach(() => {
    pool = new FakePool();
    guard = new PoolGuard();
    guard.watch(pool);
  });

  it('counts a held connection as the unit of work that holds it', async () => {
    await guard.withLease(async () => {
      const client = await pool.connect();
      assert.deepEqual(guard.state(), { total: 1, idle: 0, inTransaction: 1, stranded: 0 });
      client.release();
    });

    assert.deepEqual(guard.state(), { total: 0, idle: 0, inTransaction: 0, stranded: 0 });
  });

  it('counts a connection that no unit of work holds and nobody gave back as stranded', async () => {
    await pool.connect();

    assert.equal(guard.state().stranded, 1);
  });

  it('gives a held connection back when it reports an error, once', async () => {
    const client = await pool.connect();
    const { releases } = client;
    const error = new Error('gone');

    client.emit('error', error);
    client.emit('error', error);
    client.release();

    assert.deepEqual(releases, [error]);
    assert.equal(guard.state().stranded, 0);
  });

  it('leaves the error of a free connection to the pool', async () => {
    const client = await pool.connect();
    client.release();

    client.emit('error', new Error('gone'));

    assert.equal(client.releases.length, 1);
  });

  it('takes back what a unit of work still holds at its end, failed or not', async () => {
    const clients: FakeClient[] = [];
    await guard.withLease(async () => void clients.push(await pool.connect()));
    await assert.rejects(
      guard.withLease(async () => {
        clients.push(await pool.connect());
        throw new Error('on purpose');
      }),
    );

    assert.deepEqual(
      clients.map((client) => client.releases.length),
      [1, 1],
    );
    assert.equal(guard.state().stranded, 0);
  });

  it('takes back a connection that comes when its unit of work is over', async () => {
    const gate = Promise.withResolvers<void>();
    let late: Promise<FakeClient> | undefined;
    await guard.withLease(async () => {
      late = gate.promise.then(() => pool.connect());
    });

    gate.resolve();

    assert.equal((await late)?.releases.length, 1);
    assert.equal(guard.state().stranded, 0);
  });

  it('asks for no further connection for a while after the server gave none', async () => {
    await pool.connect();
    await pool.connect();

    guard.holdSize();
    assert.equal(pool.options.max, 2);

    pool.totalCount = 0;
    guard.holdSize();
    assert.equal(pool.options.max, 1);
  });
});
