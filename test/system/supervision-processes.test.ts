import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { actOn, lookAtAgents, runSupervision } from '../../activities/agents/supervision.ts';
import { openDatabase } from '../../database/open-orm.ts';
import type { Database } from '../../database/transaction.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { ensureSupervisionSchedule, SUPERVISION_SCHEDULE } from '../../temporal/schedules.ts';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { type PrivateStack, startPrivateStack } from '../support/stack.ts';
import { WorkerProcess } from '../support/worker-process.ts';

const MODULE = fileURLToPath(new URL('./health-graphs.ts', import.meta.url));

interface LeaseRow {
  readonly id: string;
  readonly fence: string;
  readonly end_reason: string | null;
}

describe('the supervision of worker processes', function () {
  this.timeout(120_000);
  let stack: PrivateStack;
  let muster: MusterUnderTest;
  let database: Database;
  let temporal: Client;
  let worker: WorkerProcess;

  before(async () => {
    stack = await startPrivateStack();
    muster = await openMuster('supervised', { stack });
    database = openDatabase({ url: muster.databaseUrl, poolSize: 2, applicationName: 'supervision' });
    temporal = await muster.temporal();
    worker = await WorkerProcess.start({
      environment: muster.environment,
      module: MODULE,
      folder: stack.folder,
    });
  });
  after(async () => {
    await worker?.close();
    await database?.close();
    await muster?.close();
    await stack?.close();
  });

  /** As a superuser of this database. */
  function query<Row>(statement: string): Promise<Row[]> {
    const url = new URL(stack.superuserUrl);
    url.pathname = new URL(muster.databaseUrl).pathname;
    return withPostgresql(url.toString(), async (client) => (await client.query(statement)).rows as Row[]);
  }
  const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const dependencies = () => ({ database, board: { health: async () => new Map() }, log: silent });
  const leasesOf = (process: string) =>
    query<LeaseRow>(
      `select id, fence, end_reason from muster.agent_leases where process = '${process}' order by fence`,
    );
  const statusesOfWorkers = async () => {
    const rows = await query<{ status: string }>('select distinct status from muster.agents');
    return rows.map(({ status }) => status).sort();
  };

  it('C020: runs as a Schedule that is made once, and whose workflow a worker carries out', async () => {
    await ensureSupervisionSchedule(temporal, muster.taskQueue);
    await ensureSupervisionSchedule(temporal, muster.taskQueue);
    const handle = temporal.schedule.getHandle(SUPERVISION_SCHEDULE);

    const workflowId = await eventually(
      async () => {
        const { info } = await handle.describe();
        const [action] = info.recentActions;
        assert.ok(action !== undefined);
        return action.action.type === 'startWorkflow' ? action.action.workflow.workflowId : assert.fail('no workflow');
      },
      { withinMs: 30_000, everyMs: 200 },
    );
    await temporal.workflow.getHandle(workflowId).result();
    await handle.delete();

    const [watch] = await leasesOf('supervision');
    assert.equal(watch?.end_reason, null);
  });

  it('A5: a worker that was stopped for longer than its lease continues under a new one, and its agents come back', async () => {
    const [first] = await leasesOf(worker.workerId);
    worker.signal('SIGSTOP');
    await query(`update muster.agent_heartbeats set beat_at = now() - interval '46 s';
      update muster.agent_leases set renewed_at = now() - interval '46 s' where process = '${worker.workerId}'`);
    const { vitals } = await lookAtAgents({ database });
    const report = await actOn(dependencies(), { vitals, watch: { databaseUpSeconds: 999, watchingSeconds: 999 } });
    const during = await statusesOfWorkers();
    worker.signal('SIGCONT');

    const leases = await eventually(
      async () => {
        const rows = await leasesOf(worker.workerId);
        assert.equal(rows.length, 2);
        assert.deepEqual(await statusesOfWorkers(), ['active']);
        return rows;
      },
      { withinMs: 20_000, everyMs: 100 },
    );

    assert.deepEqual(report.silentProcesses, [worker.workerId]);
    assert.deepEqual(during, ['offline']);
    assert.deepEqual(
      leases.map(({ end_reason }) => end_reason),
      ['silent', null],
    );
    assert.equal(leases[0]?.id, first?.id);
    assert.ok(Number(leases[1]?.fence) > Number(first?.fence));
    await eventually(() => worker.log.some((line) => line.includes('declared dead')));
  });

  it('C13: an immediate restart of PostgreSQL with emptied heartbeats kills nobody, at once or later', async () => {
    await stack.postgres.kill('SIGQUIT');
    await stack.postgres.start();
    await query('truncate muster.agent_heartbeats');

    const first = await runSupervision(dependencies());
    const { vitals } = await lookAtAgents({ database });
    const withoutGrace = await actOn(dependencies(), {
      vitals,
      watch: { databaseUpSeconds: 999, watchingSeconds: 999 },
    });
    const [agents] = await query<{ count: number }>('select count(*)::int from muster.agents');
    const beaten = () => query<{ count: number }>('select count(*)::int from muster.agent_heartbeats');
    await eventually(async () => assert.deepEqual(await beaten(), [agents]), { withinMs: 25_000, everyMs: 100 });
    const { vitals: later } = await lookAtAgents({ database });
    const last = await actOn(dependencies(), {
      vitals: later,
      watch: { databaseUpSeconds: 999, watchingSeconds: 999 },
    });

    assert.equal(first.waiting, 'database_restarted');
    assert.deepEqual([...first.offline, ...withoutGrace.offline, ...last.offline], []);
    assert.deepEqual([...first.silentProcesses, ...withoutGrace.silentProcesses, ...last.silentProcesses], []);
    assert.deepEqual([last.suspects, last.waiting], [[], null]);
    assert.deepEqual(await statusesOfWorkers(), ['active']);
  });
});
