import assert from 'node:assert/strict';
import { CONFIG_KEYS, type Config, ConfigInvalid, loadConfig } from '../config.ts';

const DEFAULTS: Config = {
  services: {
    stateDir: null,
    databaseUrl: null,
    ownerUrl: null,
    redisUrl: null,
    temporalAddress: null,
    temporalNamespace: 'default',
    temporalUiUrl: null,
    noInstall: false,
    allowUpgrade: false,
  },
  databasePool: 10,
  redisPrefix: 'muster',
  redisAllowEviction: false,
  taskQueue: 'muster',
  tenant: 'default',
  maxConcurrentTasks: 50,
  maxConcurrentNodes: 50,
  shutdownGraceMs: 20_000,
  maxMessageHops: 64,
  maxInputBytes: 10_000_000,
  healthPort: 0,
  logLevel: 'info',
  modelsFile: null,
  toolSourcesFile: null,
  secretKey: null,
  telemetry: null,
  failpoints: '',
};

describe('the configuration', () => {
  it('shows every default', () => {
    assert.deepEqual(loadConfig({}), DEFAULTS);
  });

  it('takes numbers in digits only, and addresses without spaces, and names each variable that is otherwise', () => {
    for (const value of ['1e2', '1e9999', '0x10', ' 5', '5.0', '-1', 'NaN', '٣', '1234567890']) {
      assert.throws(() => loadConfig({ MUSTER_DATABASE_POOL: value }), {
        code: 'config_invalid',
        message: /MUSTER_DATABASE_POOL: expected a whole number in digits/,
      });
    }
    assert.throws(() => loadConfig({ MUSTER_DATABASE_POOL: '0' }), /MUSTER_DATABASE_POOL: expected 1 to 100/);
    assert.throws(
      () => loadConfig({ TEMPORAL_ADDRESS: ' ', TEMPORAL_NAMESPACE: 'a b' }),
      (error) => {
        const { message } = error as Error;
        return ['TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE'].every((name) =>
          message.includes(`${name}: expected a text without`),
        );
      },
    );
  });

  it('reads where OpenTelemetry is told, and names headers that are not a list of them', () => {
    const endpoint = 'https://collector.example/otlp';
    const given = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_HEADERS: 'api-key=a%20b%C3%A9, x=1' };

    const { telemetry } = loadConfig(given);

    assert.deepEqual(telemetry, { endpoint, serviceName: 'muster', headers: { 'api-key': 'a bé', x: '1' } });
    assert.equal(loadConfig({ OTEL_SERVICE_NAME: 'bot' }).telemetry, null);
    for (const headers of ['key', 'a b=1', 'key=a b', 'key=%4']) {
      assert.throws(() => loadConfig({ ...given, OTEL_EXPORTER_OTLP_HEADERS: headers }), /OTEL_EXPORTER_OTLP_HEADERS/);
    }
    assert.throws(() => loadConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: 'grpc://x:4317' }), /OTEL_EXPORTER_OTLP_ENDPOINT/);
  });

  it('takes an empty variable for one that is not set', () => {
    const empty = Object.fromEntries(CONFIG_KEYS.map((key) => [key, '']));

    assert.deepEqual(loadConfig(empty), DEFAULTS);
  });

  it('takes over what is set, and nothing that is not its own', () => {
    const config = loadConfig({
      MUSTER_DATABASE_URL: 'postgresql://someone@db.example:5433/muster',
      MUSTER_REDIS_URL: 'rediss://redis.example',
      TEMPORAL_ADDRESS: 'temporal.example:7233',
      MUSTER_NO_INSTALL: '1',
      MUSTER_SHUTDOWN_GRACE_SECONDS: '3',
      MUSTER_MAX_CONCURRENT_TASKS: '1000',
      PATH: '/usr/bin',
    });

    assert.deepEqual(config, {
      ...DEFAULTS,
      services: {
        ...DEFAULTS.services,
        databaseUrl: 'postgresql://someone@db.example:5433/muster',
        redisUrl: 'rediss://redis.example',
        temporalAddress: 'temporal.example:7233',
        noInstall: true,
        allowUpgrade: false,
      },
      shutdownGraceMs: 3_000,
      maxConcurrentTasks: 1000,
    });
  });

  it('takes several addresses of a Redis, each a URL', () => {
    const url = 'redis://:a,b@one.example,rediss://two.example:7000';

    assert.equal(loadConfig({ MUSTER_REDIS_URL: url }).services.redisUrl, url);
    assert.throws(
      () => loadConfig({ MUSTER_REDIS_URL: 'redis://one.example,http://two.example' }),
      /commas between them/,
    );
  });

  it('names every faulty variable at once, says what was expected, and repeats no value', () => {
    const faulty = {
      MUSTER_DATABASE_URL: 'mysql://root:hunter2@db.example/muster',
      MUSTER_REDIS_URL: 'not a URL',
      MUSTER_DATABASE_POOL: '0',
      MUSTER_MAX_INPUT_BYTES: 'many',
      MUSTER_SHUTDOWN_GRACE_SECONDS: '1.5',
      MUSTER_REDIS_PREFIX: 'with{braces}',
      MUSTER_TENANT: '-leading-hyphen',
      MUSTER_NO_INSTALL: 'yes',
      MUSTER_LOG_LEVEL: 'loud',
    };

    assert.throws(
      () => loadConfig(faulty),
      (error: unknown) => {
        assert.ok(error instanceof ConfigInvalid);
        assert.equal(error.code, 'config_invalid');
        const unnamed = Object.keys(faulty).filter((key) => !error.message.includes(`${key}: `));
        assert.deepEqual(unnamed, [], error.message);
        assert.match(error.message, /MUSTER_DATABASE_POOL: expected 1 to 100/);
        assert.match(error.message, /MUSTER_LOG_LEVEL: expected debug, info, warn, error or silent/);
        assert.match(
          error.message,
          /MUSTER_DATABASE_URL: expected a URL beginning with postgres:\/\/ or postgresql:\/\//,
        );
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      },
    );
  });

  it('takes a port of its own, any free one or none for health', () => {
    const portOf = (value: string) => loadConfig({ MUSTER_HEALTH_PORT: value }).healthPort;

    assert.deepEqual([portOf('9464'), portOf('0'), portOf('off')], [9464, 0, null]);
    for (const wrong of ['65536', '-1', 'on', '1.5']) {
      assert.throws(() => portOf(wrong), /MUSTER_HEALTH_PORT: expected a port from 0 to 65535, or off/);
    }
  });

  it('cannot be changed afterwards', () => {
    const config = loadConfig({});

    assert.ok(Object.isFrozen(config));
    assert.ok(Object.isFrozen(config.services));
  });
});
