import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { loadConfig } from '../../config.ts';
import type { TaskHandle } from '../../index.ts';
import { findConnections } from '../../servers/find/find-connections.ts';
import { connectClient } from '../../temporal/connect.ts';
import { RETENTION_SCHEDULE, SUPERVISION_SCHEDULE } from '../../temporal/schedules.ts';
import { prepareInstallation } from '../../worker/wire/prepare-installation.ts';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { failForGood, failTimes, Gate, Script } from '../system/acceptance/script.ts';
import { ended } from '../system/acceptance/views.ts';

/**
 * Records anew the histories that `test/workflows/replay.test.ts` replays, with the workflows as they are now: to be run
 * by hand, with the project's Node, after a change that running tasks need not survive. Arguments name some of them.
 * Everything in a history stays as the server gave it, but for what names the machine: identities and stack traces.
 */
const script = new Script();
const graphs = scriptedGraphs(script);
const muster = await openMuster('histories');
const { temporalAddress: address, temporalNamespace: namespace } = muster.stack;
const temporal = await connectClient({ address, namespace });
await muster.work({ graphs: Object.values(graphs) });

const submit = (graph: string, input = {}) => muster.client.submit(graph, input, { title: graph });
const atWork = (nodeId: string) => eventually(() => script.callsOf(nodeId).length > 0);

const RECORDINGS: Record<string, () => Promise<TaskHandle>> = {
  'quick-only': async () => submit('swift'),
  slow: async () => submit('wide'),
  mixed: async () => submit('mixed', { urgent: true }),
  retried: async () => {
    script.on('work', failTimes(1));
    return submit('retried');
  },
  failed: async () => {
    script.on('left', failForGood);
    return submit('needed');
  },
  'failed-quick': async () => {
    script.on('work', failForGood);
    return submit('retried-quick');
  },
  cancelled: async () => {
    script.on('first', new Gate().pass);
    const task = await submit('chain');
    await atWork('first');
    await task.cancel();
    return task;
  },
  'paused-and-resumed': async () => {
    const gate = new Gate();
    script.on('first', gate.pass);
    const task = await submit('chain');
    await atWork('first');
    await task.pause();
    await eventually(async () => (await task.read()).status === 'paused');
    gate.open();
    await eventually(async () => (await task.progress()).nodes.first?.status === 'ok');
    await task.resume();
    return task;
  },
};

const only = process.argv.slice(2);
const isWanted = (name: string) => only.length === 0 || only.includes(name);

for (const [name, start] of Object.entries(RECORDINGS)) {
  if (!isWanted(name)) continue;
  script.reset();
  const task = await start();
  await ended(task);
  await save(`execute-task.${name}`, task.workflowId);
}
if (isWanted('enforce-retention')) await save('enforce-retention', await runSchedule(muster, RETENTION_SCHEDULE));
if (isWanted('supervise-agents')) await save('supervise-agents', await runSchedule(muster, SUPERVISION_SCHEDULE));
await temporal.close();
await muster.close();
process.exit(0);

/** The id of a workflow that a Schedule of this installation has started. */
async function runSchedule({ environment }: MusterUnderTest, id: string): Promise<string> {
  const schedule = temporal.client.schedule.getHandle(id);
  await schedule.delete().catch(() => undefined);
  const config = loadConfig(environment);
  await prepareInstallation({ config, connections: await findConnections(config.services), report: () => undefined });
  await schedule.trigger();
  const workflowId = await eventually(async () => {
    const [action] = (await schedule.describe()).info.recentActions;
    if (action === undefined) throw new Error('the Schedule has started nothing yet');
    return action.action.workflow.workflowId;
  });
  await schedule.delete();
  return workflowId;
}

async function save(name: string, workflowId: string): Promise<void> {
  const handle = temporal.client.workflow.getHandle(workflowId);
  await eventually(async () => (await handle.describe()).status.name !== 'RUNNING');
  const history: unknown = JSON.parse(historyToJSON(await handle.fetchHistory()));
  const text = JSON.stringify({ workflowId, history }, (key, value) => {
    if (key === 'identity' && typeof value === 'string') return 'worker';
    return key === 'stackTrace' ? '' : value;
  });
  const path = join(import.meta.dirname, `${name}.json`);
  await writeFile(path, `${text.replaceAll(`${hostname()}-`, 'host-')}\n`);
}
