import assert from 'node:assert/strict';
import { createServer, type Http2Server } from 'node:http2';
import { setTimeout } from 'node:timers/promises';
import { doctor } from '../../cli/installation/services-report.ts';
import { connectClient } from '../../temporal/connect.ts';
import { connectWorker } from '../../temporal/connect-worker.ts';
import { withTemporalProfile } from '../../temporal/profile.ts';
import { emptyConfig, OwnState } from '../servers/own-state.ts';

/** Refuses every call of gRPC, and notes with which key it came. */
class RefusingTemporal {
  readonly keys = new Set<string>();
  readonly #server: Http2Server = createServer();

  async open(): Promise<string> {
    this.#server.on('stream', (stream, headers) => {
      this.keys.add(String(headers.authorization));
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '7' }, { endStream: true });
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    return `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }

  close(): void {
    this.#server.close();
  }
}

describe('a Temporal with an API key', function () {
  this.timeout(30_000);
  let temporal: RefusingTemporal;
  let environment: Record<string, string>;

  beforeEach(async () => {
    temporal = new RefusingTemporal();
    environment = { TEMPORAL_ADDRESS: await temporal.open(), TEMPORAL_API_KEY: 'secret', TEMPORAL_TLS: 'false' };
  });
  afterEach(() => temporal.close());

  it('is given it by clients and workers', async () => {
    const { temporalAddress: address, temporalConnectionOptions: connectionOptions = {} } = withTemporalProfile(
      emptyConfig(''),
      environment,
    );
    for (const connect of [connectClient, connectWorker]) {
      temporal.keys.clear();

      await assert.rejects(connect({ address: address ?? '', namespace: 'default', connectionOptions }), {
        code: 'service_unreachable',
      });

      assert.deepEqual([...temporal.keys], ['Bearer secret'], connect.name);
    }
  });

  it('is given it by every look of `status` and `doctor`, which say what to do', async () => {
    const state = await OwnState.create();
    const config = {
      ...withTemporalProfile(state.config, environment),
      databaseUrl: 'postgres://m@127.0.0.1:1/m',
      redisUrl: 'redis://127.0.0.1:1',
    };

    const { services, checks } = await doctor(config);
    await state.remove();

    assert.deepEqual([...temporal.keys], ['Bearer secret']);
    assert.equal(services.find(({ name }) => name === 'temporal')?.healthy, false);
    assert.match(checks.find(({ name }) => name === 'search attributes')?.remedy ?? '', /^Run `muster up`/);
  });
});

/** Answers the first call with an empty message, and every other one as busy. */
class BusyTemporal {
  readonly refused = Promise.withResolvers<void>();
  readonly #server: Http2Server = createServer();
  #calls = 0;

  async open(): Promise<string> {
    this.#server.on('stream', (stream) => {
      this.#calls += 1;
      const head = { ':status': 200, 'content-type': 'application/grpc' };
      if (this.#calls > 1) {
        stream.respond({ ...head, 'grpc-status': String(UNAVAILABLE) }, { endStream: true });
        return this.refused.resolve();
      }
      stream.respond(head, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.alloc(EMPTY_FRAME_BYTES));
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    return `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }

  close(): void {
    this.#server.close();
  }
}

/** gRPC's code UNAVAILABLE, which the SDK answers with a timer and another call. */
const UNAVAILABLE = 14;
const EMPTY_FRAME_BYTES = 5;

describe('a connection to Temporal that is closed', () => {
  it('ends the call that waits to be repeated, and begins no other', async () => {
    const temporal = new BusyTemporal();
    const { client, close } = await connectClient({ address: await temporal.open(), namespace: 'default' });

    const left = client.workflowService.getSystemInfo({}).then(
      () => assert.fail('it was answered'),
      (error: unknown) => error,
    );
    await temporal.refused.promise;
    await setTimeout(50);
    await close();

    assert.match(String(await left), /CANCELLED: Channel has been shut down/);
    await assert.rejects(client.workflowService.getSystemInfo({}), /Channel has been shut down/);
    temporal.close();
  });
});
