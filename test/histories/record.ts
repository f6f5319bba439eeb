import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { loadConfig } from '../../config.ts';
import { slidingLog } from '../../domain/limits/rate-limit.ts';
import type { SubmitOptions, TaskHandle } from '../../index.ts';
import { findConnections } from '../../servers/find/find-connections.ts';
import { connectClient } from '../../temporal/connect.ts';
import { RETENTION_SCHEDULE, SUPERVISION_SCHEDULE, VERIFICATION_SCHEDULE } from '../../temporal/schedules.ts';
import { workflowBundlePath } from '../../worker/bundle/workflow-bundle.ts';
import { prepareInstallation } from '../../worker/wire/prepare-installation.ts';
import { eventually } from '../support/eventually.ts';
import { setLimits } from '../support/limits.ts';
import { modelsFile, startModelServer } from '../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { failForGood, failTimes, Gate, Script } from '../system/acceptance/script.ts';
import { ended } from '../system/acceptance/views.ts';
import { containerGraphs } from './container-graphs.ts';
import { asking, thinking, thinkingReply } from './thinking-graph.ts';
import { waiting } from './waiting-graphs.ts';

/**
 * Records what a release leaves behind: a history of every end and every wait (`waits.ts`), and the bundle of its
 * workflows. Later releases replay the histories and finish tasks that the bundle has begun. To be run manually before a
 * release, with the project's Node and the folder of the day; further arguments name some of the histories.
 *
 *     node test/histories/record.ts 2026-11-30
 *
 * Everything in a history stays as the server gave it, but for what names the machine: identities and stack traces.
 */
const [day, ...only] = process.argv.slice(2);
if (day === undefined || !/^\d{4}-\d\d-\d\d$/.test(day))
  throw new Error('Expected the day of the release: 2026-11-30.');
const folder = join(import.meta.dirname, day);
await mkdir(folder, { recursive: true });
const script = new Script();
const graphs = scriptedGraphs(script);
const models = await startModelServer(thinkingReply);
const muster = await openMuster('histories', { environment: { MUSTER_MODELS: await modelsFile(models.url) } });
const { temporalAddress: address, temporalNamespace: namespace } = muster.stack;
const temporal = await connectClient({ address, namespace });
await setLimits(muster, { 'provider:*': slidingLog({ limit: 1, perSeconds: 2 }) });
const { rare, containers } = containerGraphs(script);
await muster.work({ graphs: [...Object.values(graphs), ...containers, ...waiting, thinking, asking] });

const submit = (graph: string, input = {}, options: SubmitOptions = {}) =>
  muster.client.submit(graph, input, { title: graph, ...options });
const atWork = (nodeId: string) => eventually(() => script.callsOf(nodeId).length > 0);

const waits = async (graph: string, status: string) => {
  const task = await submit(graph);
  await eventually(async () => (await task.read()).status === status);
  return task;
};

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
  limited: async () => {
    script.on('work', async ({ limits }) => {
      await limits.take({ provider: 'busy' });
      return {};
    });
    await ended(await submit('single'));
    return submit('single');
  },
  unhosted: async () => {
    const gate = new Gate();
    script.on('first', gate.pass);
    const host = await muster.work({ graphs: [rare] });
    const task = await submit('rare');
    await atWork('first');
    await host.stop();
    gate.open();
    await eventually(() => isTriedAgain(task, 'second'), { withinMs: 30_000 });
    await muster.work({ graphs: [rare] });
    return task;
  },
  deadline: async () => {
    script.on('first', new Gate().pass);
    return submit('chain', {}, { deadlineAt: new Date(Date.now() + 2_000) });
  },
  redriven: async () => {
    script.on('work', failForGood);
    const task = await submit('single');
    await ended(task);
    script.reset();
    await muster.client.redrive(task.id);
    return task;
  },
  'sub-graph': async () => submit('sub-graph'),
  each: async () => submit('each'),
  repeat: async () => submit('repeat'),
  thinking: async () => {
    await muster.client.operations.grants.allow({ agent: 'thinker', tool: 'write' });
    return submit('thinking', { subject: 'tea' });
  },
  'waiting-approval': async () => {
    const { approvals, grants } = muster.client.operations;
    await grants.allow({ agent: 'asker', tool: 'write', approval: true });
    const task = await submit('asking', { subject: 'tea' });
    await eventually(async () => (await task.read()).status === 'waiting_approval');
    const [approval] = await approvals.list({ task: task.id });
    await approvals.decide({ id: approval?.id ?? '', verdict: 'approve' });
    return task;
  },
  'waiting-budget': async () => {
    const { budgets, grants } = muster.client.operations;
    await grants.allow({ agent: 'thinker', tool: 'write' });
    const task = await submit('thinking', { subject: 'tea' }, { budget: { steps: 1, whenExhausted: 'wait' } });
    await eventually(async () => (await task.read()).status === 'waiting_approval');
    await budgets.grant({ scope: `task:${task.id}`, steps: 9 });
    return task;
  },
  'waiting-for-approval': async () => {
    const { approvals } = muster.client.operations;
    const task = await waits('waiting-for-approval', 'waiting_approval');
    const [approval] = await approvals.list({ task: task.id });
    await approvals.decide({ id: approval?.id ?? '', verdict: 'approve' });
    return task;
  },
  'waiting-for-message': async () => {
    const task = await waits('waiting-for-message', 'waiting_input');
    await task.send('paid');
    return task;
  },
  'waiting-for-event': async () => {
    const task = await waits('waiting-for-event', 'waiting_input');
    await muster.client.operations.events.publish({ name: 'shipped' });
    return task;
  },
  'waiting-for-time': () => waits('waiting-for-time', 'waiting_input'),
  'waiting-for-child': () => waits('waiting-for-child', 'waiting_input'),
  'waiting-for-entities': async () => {
    const task = await waits('waiting-for-entities', 'waiting_input');
    await task.answer({ order: 'A-17' });
    return task;
  },
  'cancelled-within': async () => {
    script.on('all[0]/all/step', new Gate().pass);
    const task = await submit('each');
    await atWork('all[0]/all/step');
    await task.cancel();
    return task;
  },
};

const isWanted = (name: string) => only.length === 0 || only.includes(name);

for (const [name, start] of Object.entries(RECORDINGS)) {
  if (!isWanted(name)) continue;
  script.reset();
  const task = await start();
  await ended(task);
  await save(`execute-task.${name}`, `task/${task.id}/${(await task.show()).traces.length}`);
}
if (isWanted('execute-tasks')) await save('execute-tasks', await shareExecution());
if (isWanted('enforce-retention')) await save('enforce-retention', await runSchedule(muster, RETENTION_SCHEDULE));
if (isWanted('supervise-agents')) await save('supervise-agents', await runSchedule(muster, SUPERVISION_SCHEDULE));
if (isWanted('verify-traces')) await save('verify-traces', await runSchedule(muster, VERIFICATION_SCHEDULE));
if (only.length === 0) {
  const bundle = await readFile(await workflowBundlePath());
  await writeFile(join(folder, 'workflows.js.br'), brotliCompressSync(bundle));
}
await temporal.close();
await muster.close();
process.exit(0);

async function isTriedAgain(task: TaskHandle, nodeId: string): Promise<boolean> {
  const { raw } = await temporal.client.workflow.getHandle(task.workflowId).describe();
  return (raw.pendingActivities ?? []).some(
    ({ activityId, attempt = 0 }) => activityId === nodeId && Number(attempt) > 1,
  );
}

/** The id of a workflow that has carried out many tasks. */
async function shareExecution(): Promise<string> {
  script.reset();
  const tasks = await muster.client.submitMany('swift', Array(40).fill({ input: {} }));
  const views = await Promise.all(tasks.map((task) => ended(task)));
  const shared = views.map(({ task }) => task.workflowId).find((id) => id.startsWith('tasks/'));
  if (shared === undefined) throw new Error('The tasks did not share an execution.');
  return shared;
}

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
  const path = join(folder, `${name}.json`);
  await writeFile(path, `${text.replaceAll(`${hostname()}-`, 'host-')}\n`);
}
