import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findConnections } from '../../servers/find/find-connections.ts';
import { processStartedAt } from '../../servers/find/process-identity.ts';
import { StateFolder } from '../../servers/find/state-folder.ts';
import { withTemporalProfile } from '../../temporal/profile.ts';
import { emptyConfig } from '../servers/own-state.ts';

const PROFILES = `
[profile.default]
address = "file.example:7233"
namespace = "of-file"
api_key = "key-of-file"

[profile.other]
address = "other.example:7233"
[profile.other.grpc_meta]
team = "blue"
[profile.other.tls]
server_name = "inner.example"
`;

describe("the Temporal SDK's profiles", () => {
  let folder: string;
  let file: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'muster-profile-'));
    file = join(folder, 'temporal.toml');
    writeFileSync(file, PROFILES);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const settings = () => ({
    ...emptyConfig(join(folder, 'state')),
    databaseUrl: 'postgres://m@127.0.0.1:1/m',
    redisUrl: 'redis://127.0.0.1:1',
  });
  const withProfile = (environment: Record<string, string>) => withTemporalProfile(settings(), environment);

  it('are enough by themselves for a Temporal to be found', async () => {
    const config = withProfile({ TEMPORAL_CONFIG_FILE: file });

    const connections = await findConnections(config);

    assert.equal(connections.temporalAddress, 'file.example:7233');
    assert.equal(config.temporalNamespace, 'of-file');
    assert.equal(connections.temporalConnectionOptions.apiKey, 'key-of-file');
    assert.equal(connections.temporalConnectionOptions.tls, true);
  });

  it('are found in the home folder of the environment, and chosen by name', () => {
    mkdirSync(join(folder, 'temporalio'));
    writeFileSync(join(folder, 'temporalio', 'temporal.toml'), PROFILES);

    const config = withProfile({ XDG_CONFIG_HOME: folder, TEMPORAL_PROFILE: 'other' });

    assert.equal(config.temporalAddress, 'other.example:7233');
    assert.equal(config.temporalNamespace, 'default');
    const { tls, metadata, apiKey } = config.temporalConnectionOptions ?? {};
    assert.ok(typeof tls === 'object' && tls?.serverNameOverride === 'inner.example');
    assert.deepEqual([metadata, apiKey], [{ team: 'blue' }, undefined]);
  });

  it('give way to variables, each value by itself', () => {
    const config = withProfile({
      TEMPORAL_CONFIG_FILE: file,
      TEMPORAL_ADDRESS: 'env.example:1',
      TEMPORAL_TLS: 'false',
    });

    assert.equal(config.temporalAddress, 'env.example:1');
    assert.equal(config.temporalNamespace, 'of-file');
    assert.equal(config.temporalConnectionOptions?.apiKey, 'key-of-file');
    assert.equal(config.temporalConnectionOptions?.tls, false);
  });

  it('are not read from the process where another environment is given', () => {
    const saved = process.env.TEMPORAL_ADDRESS;
    process.env.TEMPORAL_ADDRESS = 'process.example:7233';
    try {
      assert.equal(withProfile({}).temporalAddress, null);
      assert.equal(withProfile({ TEMPORAL_CONFIG_FILE: file }).temporalAddress, 'file.example:7233');
    } finally {
      if (saved === undefined) delete process.env.TEMPORAL_ADDRESS;
      else process.env.TEMPORAL_ADDRESS = saved;
    }
  });

  it('send no key to a Temporal that Muster started', async () => {
    const config = { ...withProfile({ TEMPORAL_API_KEY: 'secret' }), stateDir: join(folder, 'own') };
    const state = new StateFolder(config.stateDir);
    state.create();
    state.remember('temporal', {
      ...{ pid: process.pid, processStartedAt: processStartedAt(process.pid) ?? '', port: 7233, uiPort: null },
      ...{ source: 'installed', version: '0', startedAt: new Date(0).toISOString(), ready: true },
    });

    const connections = await findConnections(config);

    assert.equal(connections.temporalAddress, '127.0.0.1:7233');
    assert.deepEqual(connections.temporalConnectionOptions, {});
  });

  it('are refused as a whole where one cannot be read, saying what to correct', () => {
    const broken = join(folder, 'broken.toml');
    writeFileSync(broken, '[profile');
    const refused: readonly Record<string, string>[] = [
      { TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'absent' },
      { TEMPORAL_CONFIG_FILE: broken },
      { TEMPORAL_TLS_CLIENT_CERT_PATH: join(folder, 'no.pem') },
    ];

    for (const environment of refused) {
      assert.throws(() => withProfile(environment), {
        code: 'config_invalid',
        message: /^The Temporal profile cannot be used: .*Correct temporal\.toml, TEMPORAL_PROFILE or TEMPORAL_TLS/s,
      });
    }
  });
});
