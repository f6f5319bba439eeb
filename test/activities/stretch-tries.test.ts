import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { behindTheBack } from '../system/acceptance/database.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { Gate, Script } from '../system/acceptance/script.ts';
import { ended } from '../system/acceptance/views.ts';

describe('a stretch of quick nodes', () => {
  const script = new Script();
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('stretch-tries');
    await muster.work({ graphs: Object.values(scriptedGraphs(script)) });
  });
  after(() => muster?.close());
  beforeEach(() => script.reset());

  const triesOf = async (taskId: string) => {
    const rows = await behindTheBack<{ stretch_tries: number }>(
      muster,
      'select stretch_tries from muster.agent_traces where task_id = $1',
      [taskId],
    );
    return rows[0]?.stretch_tries;
  };

  /** The ids of the activities that the server was asked for: local ones are not among them. */
  const activitiesOf = async (workflowId: string) => {
    const temporal = await muster.temporal();
    const { events } = await temporal.workflow.getHandle(workflowId).fetchHistory();
    return (events ?? []).flatMap((event) => event.activityTaskScheduledEventAttributes?.activityId ?? []);
  };

  it('counts its beginnings from one writing to the next', async () => {
    const gate = new Gate();
    script.on('two', gate.pass);
    const task = await muster.client.submit('swift', {});
    await eventually(async () => assert.equal(await triesOf(task.id), 1));
    gate.open();

    const view = await ended(task);

    assert.equal(view.task.status, 'completed');
    assert.equal(await triesOf(task.id), 0);
    assert.deepEqual(await activitiesOf(task.workflowId), []);
  });

  it('F3: lets its nodes run as activities of their own when three beginnings had no end', async () => {
    const gate = new Gate();
    script.on('join', gate.pass);
    const task = await muster.client.submit('needed', {});
    await eventually(() => assert.equal(script.callsOf('join').length, 1));
    await behindTheBack(muster, 'update muster.agent_traces set stretch_tries = 3 where task_id = $1', [task.id]);
    gate.open();

    const view = await ended(task);

    assert.equal(view.task.status, 'completed');
    assert.deepEqual((await activitiesOf(task.workflowId)).sort(), ['join', 'last', 'left', 'right']);
    assert.equal(view.traces[0]?.runs.find((run) => run.nodeId === 'last')?.status, 'ok');
  });
});
