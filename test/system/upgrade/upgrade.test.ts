import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';
import type { Client } from '@temporalio/client';
import { slidingLog } from '../../../domain/limits/rate-limit.ts';
import type { SubmitOptions, TaskHandle } from '../../../index.ts';
import { workflowBundlePath } from '../../../worker/bundle/workflow-bundle.ts';
import { eventually } from '../../support/eventually.ts';
import { setLimits } from '../../support/limits.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { WorkerProcess } from '../../support/worker-process.ts';
import { ended } from '../acceptance/views.ts';

const GRAPHS = fileURLToPath(new URL('./parked-graphs.ts', import.meta.url));
const HOOK = new URL('./earlier-workflows.ts', import.meta.url).href;
const RELEASES = fileURLToPath(new URL('../../histories/', import.meta.url));
/** The first release knows no graphs within graphs. */
const WITHOUT_CONTAINERS = '2026-11-22';
const FLAT = ['parked-slow', 'parked-paused', 'parked-limited', 'parked-retried'];

const releases = (await readdir(RELEASES, { withFileTypes: true })).filter((entry) => entry.isDirectory());

/** Where tasks of an earlier release are parked, by the names of their graphs. */
type Parked = Readonly<Record<string, TaskHandle>>;

for (const { name: release } of releases) {
  describe(`an installation of ${release} that is upgraded in place`, function () {
    this.timeout(240_000);
    const hasContainers = release !== WITHOUT_CONTAINERS;
    let muster: MusterUnderTest;
    let temporal: Client;
    let folder: string;
    const workers: WorkerProcess[] = [];

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'muster-upgrade-'));
      muster = await openMuster(`upgrade ${release}`, { environment: { MUSTER_SHUTDOWN_GRACE_SECONDS: '1' } });
      temporal = await muster.temporal();
      await setLimits(muster, { 'provider:*': slidingLog({ limit: 1, perSeconds: 60 }) });
    });
    after(async () => {
      for (const worker of workers) await worker.close();
      await muster?.close();
      await rm(folder, { recursive: true, force: true });
    });

    const work = async (more: Record<string, string>): Promise<WorkerProcess> => {
      const { environment, stack } = muster;
      const all = { LET_GO: folder, ...more };
      const worker = await WorkerProcess.start({ environment, module: GRAPHS, folder: stack.folder, more: all });
      workers.push(worker);
      return worker;
    };
    const earlier = (more: Record<string, string> = {}) =>
      work({
        NODE_OPTIONS: `--import=${HOOK}`,
        EARLIER_WORKFLOWS: join(RELEASES, release, 'workflows.js.br'),
        ...(hasContainers ? {} : { LACKS_CONTAINERS: 'yes' }),
        ...more,
      });
    const stop = async (worker: WorkerProcess) => {
      worker.signal('SIGTERM');
      await worker.ended;
    };
    const submit = (graph: string, options: SubmitOptions = {}) => muster.client.submit(graph, {}, options);
    /** Until the first attempt of a node is under way, or one of that number is under way or waits for its time. */
    const attempted = (task: TaskHandle, nodeId: string, times = 1) =>
      eventually(
        async () => {
          const { raw } = await temporal.workflow.getHandle(task.workflowId).describe();
          const pending = raw.pendingActivities?.find(({ activityId }) => activityId === nodeId);
          const isThere = times === 1 ? pending?.lastStartedTime : Number(pending?.attempt ?? 0) >= times;
          if (!isThere) throw new Error(`${nodeId} has not been attempted`);
        },
        { withinMs: 60_000, what: `${nodeId} to be attempted` },
      );

    const parkUnhosted = async (): Promise<Parked> => {
      const host = await earlier();
      const task = await submit('parked-unhosted');
      await attempted(task, 'first');
      await earlier({ LACKS_RARE: 'yes' });
      await stop(host);
      await writeFile(join(folder, 'early'), '');
      await attempted(task, 'last', 2);
      return { 'parked-unhosted': task };
    };
    const parkOthers = async (): Promise<Parked> => {
      await (await submit('parked-limited')).result();
      const names = [...FLAT, ...(hasContainers ? ['parked-each', 'parked-repeat'] : [])];
      const deadlineAt = new Date(Date.now() + 600_000);
      const tasks = await Promise.all(names.map(async (name) => [name, await submit(name, { deadlineAt })] as const));
      const parked: Parked = { ...Object.fromEntries(tasks), cancelled: await submit('parked-slow') };
      const at = (name: string) => parked[name] as TaskHandle;
      await Promise.all([
        ...['parked-slow', 'cancelled'].map((name) => attempted(at(name), 'first')),
        ...['parked-limited', 'parked-retried'].map((name) => attempted(at(name), 'first', 2)),
        eventually(async () => (await at('parked-paused').read()).status === 'paused', { withinMs: 60_000 }),
        ...(hasContainers ? [attempted(at('parked-each'), 'all[1]/first')] : []),
        ...(hasContainers ? [attempted(at('parked-repeat'), 'all[0]/first')] : []),
      ]);
      return parked;
    };
    const buildIds = async (task: TaskHandle): Promise<ReadonlySet<string>> => {
      const workflow = temporal.workflow.getHandle(task.workflowId);
      // The row ends first, by the last activity; the workflow follows.
      await workflow.result().catch(() => undefined);
      const { events } = await workflow.fetchHistory();
      const ids = (events ?? []).map((event) => event.workflowTaskCompletedEventAttributes?.workerVersion?.buildId);
      return new Set(ids.filter((id) => typeof id === 'string').map((id) => id.split('+')[1] ?? ''));
    };

    it('has every parked task finished by the present workers, each once', async () => {
      const parked: Parked = { ...(await parkUnhosted()), ...(await parkOthers()) };
      for (const worker of workers.filter(({ ending }) => ending === null)) await stop(worker);
      await parked.cancelled?.cancel();
      await writeFile(join(folder, 'all'), '');

      await work({});
      await parked['parked-paused']?.resume();

      const bundles = [brotliDecompressSync(await readFile(join(RELEASES, release, 'workflows.js.br')))];
      bundles.push(await readFile(await workflowBundlePath()));
      const hashes = bundles.map((code) => createHash('sha256').update(code).digest('hex'));
      for (const [name, task] of Object.entries(parked)) {
        const view = await ended(task);
        assert.equal(view.task.status, name === 'cancelled' ? 'cancelled' : 'completed', name);
        assert.equal(view.traces.length, 1, name);
        assert.deepEqual(await buildIds(task), new Set(hashes), `${name} by the workflows of both releases`);
      }
    });
  });
}
