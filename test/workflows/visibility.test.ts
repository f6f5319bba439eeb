import assert from 'node:assert/strict';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import type { TaskHandle } from '../../index.ts';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { failForGood, Gate, Script } from '../system/acceptance/script.ts';
import { ended } from '../system/acceptance/views.ts';

describe('what Temporal shows of a task', () => {
  const script = new Script();
  const graphs = scriptedGraphs(script);
  let muster: MusterUnderTest;
  let temporal: Client;

  before(async () => {
    muster = await openMuster('visibility');
    await muster.work({ graphs: Object.values(graphs) });
    temporal = await muster.temporal();
  });
  after(async () => {
    await muster?.close();
  });
  beforeEach(() => script.reset());

  const handleOf = (task: TaskHandle) => temporal.workflow.getHandle(task.workflowId);
  const attributesOf = (description: WorkflowExecutionDescription) =>
    Object.fromEntries(
      description.typedSearchAttributes
        .getAll()
        .filter(({ key }) => key.name.startsWith('Muster'))
        .map(({ key, value }) => [key.name, value]),
    );
  const statusOf = async (task: TaskHandle) => attributesOf(await handleOf(task).describe()).MusterStatus;

  it('tells who asked for what, which agents do it, and how far they are', async () => {
    const gate = new Gate();
    script.on('alarm', gate.pass);
    const options = { user: 'u-17', priority: 'high', title: 'A title' } as const;
    const task = await muster.client.submit('mixed', { urgent: true }, options);
    await eventually(() => script.callsOf('alarm').length === 1);

    const description = await handleOf(task).describe();
    const details = await eventually(async () => {
      const metadata = await handleOf(task).query<{ currentDetails: string }>('__temporal_workflow_metadata');
      assert.match(metadata.currentDetails, /running/);
      return metadata.currentDetails;
    });
    gate.open();
    await ended(task);

    assert.deepEqual(attributesOf(description), {
      MusterTenant: 'default',
      MusterGraph: 'mixed',
      MusterAgent: ['quick-step', 'slow-step'],
      MusterPriority: 'high',
      MusterUser: 'u-17',
      MusterUsers: ['u-17'],
      MusterStatus: 'in_progress',
    });
    assert.equal(await description.staticSummary(), 'mixed · A title');
    assert.match((await description.staticDetails()) ?? '', new RegExp(`${task.id}[^]*\`alarm\` \\(slow-step\\)`));
    assert.match(details, /\| alarm \| slow-step \| running \| 1 \|/);
    assert.match(details, /\| note \| quick-step \| skipped \("urgent" was true\) \| 0 \|/);
    assert.equal(description.priority?.priorityKey, 1);
  });

  it('names each node and its agent in the summaries of the history', async () => {
    const task = await muster.client.submit('chain', {});
    await ended(task);

    const { events } = await handleOf(task).fetchHistory();
    const summaries = (events ?? []).flatMap((event) => {
      const data = event.userMetadata?.summary?.data;
      return event.activityTaskScheduledEventAttributes == null || data == null
        ? []
        : [JSON.parse(new TextDecoder().decode(data))];
    });
    const ids = (events ?? []).flatMap((event) => event.activityTaskScheduledEventAttributes?.activityId ?? []);

    assert.deepEqual(summaries, ['first · slow-step', 'second · slow-step']);
    assert.deepEqual(ids, ['first', 'second']);
  });

  it('ends with the status of the task', async () => {
    script.on('left', failForGood).on('first', new Gate().pass);
    const [completed, failed, cancelled] = await Promise.all([
      muster.client.submit('swift', {}),
      muster.client.submit('needed', {}),
      muster.client.submit('chain', {}),
    ]);
    await eventually(() => script.callsOf('first').length === 1);
    await cancelled.cancel();
    await Promise.all([completed, failed, cancelled].map(ended));

    await eventually(async () => {
      const statuses = await Promise.all([completed, failed, cancelled].map(statusOf));
      assert.deepEqual(statuses, [['completed'], ['failed'], ['cancelled']].flat());
    });
    const query = `MusterGraph = 'needed' AND MusterStatus = 'failed' AND TaskQueue = '${muster.taskQueue}'`;
    const listed = await eventually(async () => {
      const ids: string[] = [];
      for await (const { workflowId } of temporal.workflow.list({ query })) ids.push(workflowId);
      return ids.length > 0 && ids;
    });
    assert.deepEqual(listed, [failed.workflowId]);
  });
});
