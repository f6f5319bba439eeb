import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import type { ReplayView } from '../../../operations/traces/replay.ts';
import { eventually } from '../../support/eventually.ts';
import { type ModelServer, modelsFile, startModelServer } from '../../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { type OwnTemporal, startTemporal } from '../../support/own-temporal.ts';
import { query } from '../../support/query.ts';
import { WorkerProcess } from '../../support/worker-process.ts';
import { LARGE, report } from '../faults/world.ts';
import { GRAPHS, thought } from './random-graphs.ts';

const TASKS = LARGE ? 500 : 40;
const KILLS = LARGE ? 8 : 2;

describe('the replay of recorded runs', function () {
  this.timeout(LARGE ? 3_600_000 : 240_000);
  let muster: MusterUnderTest;
  let models: ModelServer;
  let server: OwnTemporal;
  const workers: WorkerProcess[] = [];

  before(async () => {
    server = await startTemporal({ suggestAt: 40 });
    models = await startModelServer(({ messages }) => thought(messages));
    muster = await openMuster('replay', {
      environment: { TEMPORAL_ADDRESS: server.address, MUSTER_MODELS: await modelsFile(models.url) },
    });
  });
  after(async () => {
    await Promise.all(workers.map((worker) => worker.close()));
    await muster?.close();
    await models?.close();
    await server?.close();
  });

  it('R001: comes to the recorded form, byte for byte, of agents, tools, conditions and containers, of failures, after kills and continue-as-new', async () => {
    await startWorker();
    const tasks = [];
    for (let number = 0; number < TASKS; number += 1) {
      tasks.push(await muster.client.submit(`random-${number % GRAPHS}`, { n: number }));
    }
    const ended = async () =>
      Number((await rows('select count(*) n from muster.tasks where completed_at is not null'))[0]?.n);
    for (let kill = 1; kill <= KILLS; kill += 1) {
      await eventually(async () => (await ended()) >= (TASKS * kill) / (KILLS + 2), {
        withinMs: LARGE ? 1_200_000 : 120_000,
      });
      workers.at(-1)?.signal('SIGKILL');
      await startWorker();
    }
    await eventually(async () => assert.equal(await ended(), TASKS), { withinMs: LARGE ? 1_200_000 : 120_000 });

    const asked = models.asked.length;
    const views: ReplayView[] = [];
    for (const { id } of tasks) views.push(await muster.client.operations.tasks.replay({ id }));

    const different = views.filter(({ identical }) => !identical);
    assert.deepEqual(
      different.map(({ taskId, difference }) => [taskId, difference]),
      [],
    );
    assert.equal(models.asked.length, asked, 'a replay calls no model');
    const statuses = await rows('select status, count(*)::int n from muster.tasks group by 1 order by 1');
    const lost = await rows('select count(*)::int n from muster.agent_runs where crashes > 0');
    const continued = await Promise.all(tasks.map(({ workflowId }) => runsOf(workflowId)));
    report(
      `${views.length} of ${TASKS} identical: ${JSON.stringify(statuses)}, ${lost[0]?.n} runs lost an attempt, ${continued.filter((count) => count > 1).length} continued as new, replayed in ${views.reduce((sum, { tookMs }) => sum + tookMs, 0)} ms`,
    );
    assert.ok(
      continued.some((count) => count > 1),
      'expected some to continue as new',
    );
    assert.ok(statuses.length > 1, 'expected some to fail');
    assert.ok(views.some(({ runs }) => runs.thinking > 0) && views.some(({ runs }) => runs.evaluated > 3));
  });

  it('R002: of the same runs, rows and histories agree', async () => {
    const tasks = await rows<{ id: string }>('select id from muster.tasks');
    const views = [];
    for (const { id } of tasks) views.push(await muster.client.operations.tasks.verify({ id }));

    assert.deepEqual(
      views.filter(({ agrees }) => !agrees).map(({ taskId, gaps }) => [taskId, gaps]),
      [],
    );
    assert.ok(views.length === TASKS && views.some(({ history }) => history === 'own'));
  });

  async function runsOf(workflowId: string): Promise<number> {
    let count = 0;
    for await (const _ of server.temporal.client.workflow.list({ query: `WorkflowId = "${workflowId}"` })) count += 1;
    return count;
  }

  function rows<Row = Record<string, unknown>>(text: string): Promise<Row[]> {
    return query(muster, text);
  }

  async function startWorker(): Promise<void> {
    const module = fileURLToPath(new URL('./random-graphs.ts', import.meta.url));
    const { environment, stack } = muster;
    workers.push(await WorkerProcess.start({ environment, module, folder: stack.folder }));
  }
});
