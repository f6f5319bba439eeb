import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../../index.ts';
import { startWorker } from '../../worker.ts';
import { freePort } from '../cli/cli-under-test.ts';
import { startCli } from '../cli/run-cli.ts';
import { OwnState } from '../servers/own-state.ts';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { Gate, Script } from '../system/acceptance/script.ts';

describe('where a program connects to', function () {
  this.timeout(60_000);
  const script = new Script();
  let muster: MusterUnderTest;
  let folder: string;
  let nowhere: string;

  before(async () => {
    muster = await openMuster('connect');
    folder = mkdtempSync(join(tmpdir(), 'muster-connect-'));
    nowhere = `127.0.0.1:${await freePort()}`;
  });
  after(async () => {
    await muster?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The environment of the test with a profile in the place of Temporal's address. */
  function profiled(address: string): Record<string, string> {
    const { TEMPORAL_ADDRESS: _, TEMPORAL_NAMESPACE: __, ...others } = muster.environment;
    const file = join(folder, `${address.replace(':', '-')}.toml`);
    writeFileSync(file, `[profile.default]\naddress = "${address}"\n`);
    return { ...others, TEMPORAL_CONFIG_FILE: file };
  }

  it('may be said by a profile alone, for a worker, a client and the command line', async () => {
    const environment = profiled(muster.stack.temporalAddress);
    await muster.work({ environment, graphs: Object.values(scriptedGraphs(script)) });
    const client = await connect({ environment });
    const task = await client.submit('single', {});
    await task.result();
    await client.close();
    script.reset();

    const { stdout } = await startCli(['status', '--json'], { environment }).ended;

    const { services }: { services: { name: string; address: string; healthy: boolean; source: string }[] } =
      JSON.parse(stdout);
    const { address, healthy, source } = services.find(({ name }) => name === 'temporal') ?? {};
    assert.deepEqual([address, healthy, source], [muster.stack.temporalAddress, true, 'environment']);
  });

  it('is what an option says, whatever a profile and variables say', async () => {
    const environment = { ...profiled(nowhere), TEMPORAL_ADDRESS: nowhere, TEMPORAL_NAMESPACE: 'of-variable' };
    const { temporalAddress, temporalNamespace } = muster.stack;
    const client = await connect({ environment, temporalAddress, temporalNamespace });
    const elsewhere = await connect({ environment });
    const gate = new Gate();
    script.on('work', gate.pass);
    const task = await muster.client.submit('single', {});
    await eventually(() => script.callsOf('work').length > 0);

    // Where a running task stands is asked of its workflow.
    const { paused } = await client.task(task.id).progress();
    await assert.rejects(elsewhere.task(task.id).progress(), { code: 'service_unreachable' });
    gate.open();
    await task.result();
    await Promise.all([client.close(), elsewhere.close()]);

    assert.equal(paused, false);
  });

  it("is where Muster's own Redis and Temporal ran last while both are dead: a submit is accepted, a worker refuses", async () => {
    const dead = await OwnState.create();
    const { MUSTER_REDIS_URL: _, TEMPORAL_ADDRESS: __, ...others } = muster.environment;
    const environment = { ...others, MUSTER_STATE_DIR: dead.folder.path };
    await muster.client.publish([scriptedGraphs(script).single]);
    const client = await connect({ environment });

    const task = await client.submit('single', {});

    assert.equal((await muster.client.task(task.id).show()).task.id, task.id);
    await assert.rejects(startWorker({ environment }), { code: 'service_unreachable', message: /^Temporal at / });
    await Promise.all([client.close(), dead.remove()]);
  });

  it('is said to be unavailable where no PostgreSQL answers, to a client and to a worker', async () => {
    const environment = { ...muster.environment, MUSTER_DATABASE_URL: `postgres://m@${nowhere}/m` };
    for (const open of [connect, startWorker]) {
      await assert.rejects(open({ environment }), {
        code: 'service_unreachable',
        message:
          /^PostgreSQL at \S+ does not answer: .*ECONNREFUSED.* Repair that server, or correct its address .*MUSTER_DATABASE_URL.*`muster status`/,
      });
    }
  });
});
