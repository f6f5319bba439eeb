import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { findConnections } from '../../../servers/find/find-connections.ts';
import { isAlive } from '../../../servers/find/process-identity.ts';
import { connectedPrograms } from '../../../servers/probe/connected-programs.ts';
import { probeRedis, probeTemporal, withPostgresql } from '../../../servers/probe/probes.ts';
import { serviceStatuses } from '../../../servers/probe/service-status.ts';
import { SERVICE_NAMES, SET_UP_STEPS, type ServiceName, type SetUpStep } from '../../../servers/services.ts';
import { endProcess } from '../../../servers/start/processes.ts';
import { startServices, stopServices } from '../../../servers/start/start-services.ts';
import { emptyConfig, OwnState } from '../own-state.ts';

const silent = () => undefined;

describe("Muster's own services", function () {
  this.timeout(120_000);
  let state: OwnState;

  before(async () => {
    state = await OwnState.create();
  });

  after(() => state.remove());

  const start = () => startServices({ config: state.config, report: silent });

  const killOne = (name: ServiceName) => endProcess(state.record(name), 'SIGKILL', 1_000);

  function startWithFault(service: ServiceName, step: SetUpStep) {
    const beforeStep = (name: ServiceName, at: SetUpStep) => {
      if (name === service && at === step) throw new Error('injected fault.');
    };
    return startServices({ config: state.config, report: silent, beforeStep });
  }

  it('start, answer, and are found again by a second start, which starts nothing', async () => {
    const connections = await start();
    const pids = SERVICE_NAMES.map((name) => state.record(name).pid);

    assert.deepEqual(await start(), connections);

    assert.deepEqual(
      SERVICE_NAMES.map((name) => state.record(name).pid),
      pids,
    );
    const statuses = await serviceStatuses(state.config);
    assert.deepEqual(
      statuses.map(({ name, source, healthy }) => ({ name, source, healthy })),
      SERVICE_NAMES.map((name) => ({ name, source: 'muster', healthy: true })),
    );
    assert.deepEqual(await findConnections(state.config), connections);
  });

  it('know the programs that would lose them', async () => {
    const { databaseUrl } = await start();
    const named = new URL(databaseUrl);
    named.searchParams.set('application_name', 'muster client 7');

    const during = await withPostgresql(named.toString(), () => connectedPrograms(state.config));

    assert.deepEqual(during, ['client 7']);
    assert.deepEqual(
      await connectedPrograms({ ...state.config, databaseUrl }),
      [],
      'a server of the user is not asked',
    );
  });

  it('are what Muster needs: pgvector, two roles without rights over each other, no eviction, search attributes', async () => {
    const connections = await start();

    const roles = await withPostgresql(connections.databaseUrl, async (client) => {
      const { rows } = await client.query(
        `select rolname, rolsuper, rolbypassrls, rolcreaterole, pg_has_role(rolname, 'muster_owner', 'member') as is_owner
           from pg_roles where rolname in ('muster', 'muster_owner') order by rolname`,
      );
      return rows;
    });
    const basics = { rolsuper: false, rolbypassrls: false };
    assert.deepEqual(roles, [
      { rolname: 'muster', ...basics, rolcreaterole: false, is_owner: false },
      { rolname: 'muster_owner', ...basics, rolcreaterole: true, is_owner: true },
    ]);
    await withPostgresql(connections.ownerUrl, async (client) => {
      await client.query('create table kept (embedding vector(3))');
      await client.query("insert into kept values ('[1,2,3]')");
    });
    assert.equal((await probeRedis(connections.redisUrl)).maxmemoryPolicy, 'noeviction');
    const target = { address: connections.temporalAddress, namespace: 'default' };
    await probeTemporal({ ...target, query: "MusterAgent in ('a') and MusterStatus = 'b' and MusterUser = 'c'" });
    const ui = await fetch(connections.temporalUiUrl ?? '');
    assert.equal(ui.status, 200);
  });

  it('start again on their kept data and addresses after kill -9', async () => {
    const before = await start();

    await Promise.all(SERVICE_NAMES.map(killOne));
    const gone = await serviceStatuses(state.config);
    const after = await start();

    assert.ok(gone.every(({ healthy, detail }) => !healthy && /is gone; start it again with `muster up`/.test(detail)));
    assert.deepEqual(after, before);
    const rows = await withPostgresql(
      after.ownerUrl,
      async (client) => (await client.query('select * from kept')).rowCount,
    );
    assert.equal(rows, 1);
  });

  it('are started once by two set-ups at the same time, and where they were before they were stopped', async () => {
    const before = await start();
    await stopServices(state.config);
    const launches: string[] = [];
    const beforeStep = (name: ServiceName, step: SetUpStep) => void (step === 'launch' && launches.push(name));
    const startCounting = () => startServices({ config: state.config, report: silent, beforeStep });

    const [first, second] = await Promise.all([startCounting(), startCounting()]);

    assert.deepEqual(first, second);
    assert.deepEqual(first, before);
    assert.deepEqual(launches.toSorted(), [...SERVICE_NAMES].toSorted());
  });

  for (const service of SERVICE_NAMES) {
    it(`C083: ${service} stays not ready at each step that fails, the others are up, and the next set-up repairs it`, async () => {
      await start();
      const steps = SET_UP_STEPS.filter((step) => step !== 'install');

      for (const step of steps) {
        await killOne(service);
        state.folder.remember(service, { ...state.record(service), ready: false });
        await assert.rejects(startWithFault(service, step), {
          code: 'service_start_failed',
          message: new RegExp(`is not ready, its step "${step}" failed: injected fault\\.`),
        });
        const others = (await serviceStatuses(state.config)).filter(({ name }) => name !== service);
        assert.ok(others.every(({ healthy }) => healthy));
      }

      await start();
      assert.ok((await serviceStatuses(state.config)).every(({ healthy }) => healthy));
    });
  }

  it('are named each with its reason when several fail', async () => {
    await Promise.all(SERVICE_NAMES.map(killOne));
    const beforeStep = (name: ServiceName) => {
      if (name !== 'temporal') throw new Error(`fault of ${name}.`);
    };

    await assert.rejects(startServices({ config: state.config, report: silent, beforeStep }), {
      code: 'service_start_failed',
      message: /fault of postgresql\.[\s\S]*fault of redis\./,
    });
    assert.ok(isAlive(state.record('temporal')));
    await start();
  });

  it('never get a second server on their data, and are named where their record is damaged or gone', async function () {
    if (process.platform !== 'linux') this.skip();
    await start();
    const pids = SERVICE_NAMES.map((name) => state.record(name).pid).toSorted();
    const file = state.folder.file('services.json');
    const kept = readFileSync(file);
    const named = (message: string) => (message.match(/\d+(?=[ \d]*`)/g) ?? []).map(Number).toSorted();

    for (const text of ['', 'no JSON', kept.subarray(0, 40), '{"services":{"redis":{}}}']) {
      writeFileSync(file, text);
      for (const work of [start, () => stopServices(state.config), () => findConnections(state.config)]) {
        await assert.rejects(work(), ({ code, message }: { code?: string; message: string }) => {
          assert.equal(code, 'service_start_failed');
          assert.match(message, /^The record of Muster's servers, .* cannot be read\. .*remove that file/);
          assert.deepEqual(named(message), pids);
          return true;
        });
      }
    }
    rmSync(file);
    await assert.rejects(start(), ({ message }: Error) => {
      assert.match(message, /an unknown server uses/);
      assert.deepEqual(named(message), pids);
      return true;
    });
    writeFileSync(file, kept);
  });

  it('end with stopServices, which leaves alone what Muster did not start', async () => {
    await start();
    const records = SERVICE_NAMES.map((name) => state.record(name));
    // The number of this very test process, as if it had been given to it after the server's end.
    state.folder.remember('redis', { ...state.record('redis'), pid: process.pid });
    const [postgresql, redis, temporal] = records;
    assert.ok(postgresql && redis && temporal);

    const statuses = await stopServices(state.config);

    assert.ok(!isAlive(postgresql) && !isAlive(temporal));
    assert.ok(isAlive(redis), 'a server that is not in the records is not touched');
    assert.ok(statuses.every(({ source, healthy }) => source === 'none' && !healthy));
    await assert.rejects(findConnections(state.config), { code: 'service_not_running', message: /muster up/ });
    await endProcess(redis, 'SIGKILL', 1_000);
  });
});

describe('configured services', () => {
  const config = {
    ...emptyConfig('/nonexistent'),
    databaseUrl: 'postgres://someone:secret@127.0.0.1:1/none',
    redisUrl: 'redis://:secret@127.0.0.1:1',
    temporalAddress: '127.0.0.1:1',
  };

  it('are reported by variable and address, without their passwords, when they do not answer', async () => {
    const statuses = await serviceStatuses(config);

    assert.ok(statuses.every(({ source, healthy }) => source === 'environment' && !healthy));
    const text = JSON.stringify(statuses);
    for (const variable of ['MUSTER_DATABASE_URL', 'MUSTER_REDIS_URL', 'TEMPORAL_ADDRESS'])
      assert.match(text, new RegExp(variable));
    assert.doesNotMatch(text, /secret/);
  }).timeout(20_000);

  it('are never replaced by servers of Muster when they do not answer', async () => {
    const state = await OwnState.create();
    const own = { ...config, stateDir: state.folder.path };

    await assert.rejects(startServices({ config: own, report: silent }), /is not usable/);

    assert.equal(existsSync(state.folder.file('postgresql')), false);
    rmSync(state.folder.path, { recursive: true });
  }).timeout(20_000);
});
