import assert from 'node:assert/strict';
import { findConnections } from '../../../servers/find/find-connections.ts';
import { OwnState } from '../own-state.ts';

describe("finding Muster's own servers", () => {
  const databaseUrl = 'postgres://127.0.0.1:1/muster';
  let state: OwnState;

  beforeEach(async () => {
    state = await OwnState.create();
  });
  afterEach(() => state.remove());

  it('finds a dead Redis and a dead Temporal where they ran last', async () => {
    const [redis, temporal] = [state.record('redis'), state.record('temporal')];

    assert.deepEqual(await findConnections({ ...state.config, databaseUrl }), {
      databaseUrl,
      ownerUrl: databaseUrl,
      redisUrl: `redis://127.0.0.1:${redis.port}`,
      temporalAddress: `127.0.0.1:${temporal.port}`,
      temporalConnectionOptions: {},
      temporalUiUrl: `http://127.0.0.1:${temporal.uiPort}`,
    });
  });

  it('refuses a dead PostgreSQL, and a service that was never set up', async () => {
    await assert.rejects(findConnections(state.config), { code: 'service_not_running', message: /^PostgreSQL / });
    const config = { ...state.config, databaseUrl, stateDir: state.folder.file('elsewhere') };
    await assert.rejects(findConnections(config), { code: 'service_not_running', message: /^Redis / });
  });
});
