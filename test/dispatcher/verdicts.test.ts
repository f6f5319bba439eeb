import assert from 'node:assert/strict';
import { Client } from '@temporalio/client';
import { startAll } from '../../dispatcher/start-all.ts';
import { StartRefused, type StartTask, workflowStarter } from '../../dispatcher/start-task.ts';
import { StartVerdicts } from '../../dispatcher/start-verdicts.ts';
import { isOutage, verdictOf } from '../../dispatcher/verdict.ts';
import { DEFAULT_QUEUE_SETTINGS } from '../../domain/queues/queue-settings.ts';
import { NO_FAILPOINTS } from '../../domain/system/failpoints.ts';
import { taskWorkflowId } from '../../domain/tasks/execution.ts';
import { StoredRowInvalid } from '../../entities/entity-errors.ts';
import type { ClaimedTask } from '../../entities/tasks/claimed-task.ts';
import { GraphCache } from '../../operations/graphs/graph-cache.ts';
import { connectWorker, type TemporalWorkerConnection } from '../../temporal/connect-worker.ts';
import { ensureSearchAttributes } from '../../temporal/ensure-search-attributes.ts';
import { refusalOf } from '../../temporal/refusals.ts';
import { sharedStack } from '../support/stack.ts';
import { ScheduleBed } from './schedule-bed.ts';

const settings = { latest: DEFAULT_QUEUE_SETTINGS };

describe('what a start comes to', () => {
  let bed: ScheduleBed;
  let temporal: TemporalWorkerConnection;
  const told: { facts: Readonly<Record<string, unknown>>; message: string }[] = [];
  const log = {
    warn: (facts: Readonly<Record<string, unknown>>, message: string) => void told.push({ facts, message }),
  };

  before(async () => {
    const { temporalAddress: address, temporalNamespace: namespace } = await sharedStack();
    temporal = await connectWorker({ address, namespace });
    await ensureSearchAttributes(temporal.client, namespace);
    bed = await ScheduleBed.open('verdicts');
  });
  after(async () => {
    await temporal?.close();
    await bed?.close();
  });
  beforeEach(() => {
    told.length = 0;
  });

  const claimOne = async (): Promise<ClaimedTask> => {
    const [task] = await bed.tasks.claim(await bed.tasks.insert({ user: `u-${crypto.randomUUID()}` }));
    assert.ok(task);
    return task;
  };
  const starter = (client: Client) =>
    workflowStarter({ client, graphs: new GraphCache(bed.tasks.database), settings, log });
  const verdicts = (taskQueue = 'verdicts') => new StartVerdicts({ client: temporal.client, taskQueue, log });
  const startUntilEnded = async (task: ClaimedTask, start: StartTask) => {
    const ended: string[] = [];
    const { database } = bed.tasks;
    await startAll(
      {
        ...{ database, graphs: new GraphCache(database), start, verdicts: verdicts(), reach: NO_FAILPOINTS, log },
        ...{ ended: (id) => ended.push(id), stopping: () => ended.length > 0 },
      },
      [task],
    );
    return ended;
  };
  const rowOf = async (task: ClaimedTask) => {
    const [row] = await bed.query<Record<string, unknown>>(
      `select t.status, t.error ->> 'code' as code, t.dead_letter_reason as reason, r.status as trace,
        (select count(*)::int from muster.concurrency_slots s where s.task_id = t.id) as slots,
        (select count(*)::int from muster.agent_runs n where n.trace_id = r.id and n.finished_at is null) as open_runs
      from muster.tasks t left join muster.agent_traces r on r.task_id = t.id where t.id = $1`,
      [task.execution.taskId],
    );
    return row;
  };

  it('is a dead letter with the server’s own words where Temporal refuses it for good, with place and slots free', async () => {
    const task = { ...(await claimOne()), taskQueue: 'q'.repeat(1_001) };

    const ended = await startUntilEnded(task, starter(temporal.client));

    assert.deepEqual(ended, [task.execution.taskId]);
    const { trace, ...row } = (await rowOf(task)) ?? {};
    assert.deepEqual(row, { status: 'failed', code: 'start_refused', reason: 'start_refused', slots: 0, open_runs: 0 });
    assert.equal(trace, 'failed');
    assert.match(String(told.at(-1)?.facts.error), /INVALID_ARGUMENT: taskQueue length exceeds limit/);
  });

  it('is a workflow although its agents’ names exceed what a search attribute holds', async () => {
    const task = await claimOne();
    const graphs = {
      get: async () => {
        const definition = await new GraphCache(bed.tasks.database).get(task.execution.tenant, task.execution.graphId);
        const [node] = definition.nodes;
        assert.ok(node);
        const nodes = Array.from({ length: 100 }, (_, index) => {
          const handler = `an-agent-with-a-long-name-${String(index).padStart(3, '0')}`;
          return { ...node, id: `node-${index}`, handler };
        });
        return { ...definition, nodes };
      },
    } as unknown as GraphCache;

    await workflowStarter({ client: temporal.client, graphs, settings, log })(task);

    const handle = temporal.client.workflow.getHandle(taskWorkflowId(task.execution.taskId, 1));
    const { searchAttributes } = await handle.describe();
    await handle.terminate();
    assert.deepEqual(told, []);
    assert.equal(searchAttributes.MusterAgent?.[0], 'an-agent-with-a-long-name-000');
    assert.match(String(searchAttributes.MusterAgent?.at(-1)), /^and \d+ more~[0-9a-f]{8}$/);
  });

  const refusalBy = async (task: ClaimedTask): Promise<unknown> => {
    const refused = { ...task, taskQueue: 'q'.repeat(1_001) };
    return starter(temporal.client)(refused).then(
      () => assert.fail('the start was taken'),
      (reason: unknown) => reason,
    );
  };

  it('is no end while Temporal refuses starts that have nothing of any task', async () => {
    const refusal = await refusalBy(await claimOne());
    const refusing = verdicts('q'.repeat(1_001));
    told.length = 0;

    const ends = await Promise.all(Array.from({ length: 50 }, () => refusing.of(refusal)));

    assert.deepEqual(new Set(ends), new Set([null]));
    assert.deepEqual(
      told.map(({ message }) => message),
      ['Temporal is rejecting all workflow starts; retrying'],
    );
    assert.equal((await verdicts().of(refusal))?.code, 'start_refused');
  });

  it('is the end of ten tasks in a row at most, until Temporal has taken the start of one', async () => {
    const refusal = await refusalBy(await claimOne());
    const braked = verdicts();
    const given = async (count: number) => {
      const ends = await Promise.all(Array.from({ length: count }, () => braked.of(refusal)));
      return ends.filter((end) => end !== null).length;
    };

    assert.equal(await given(30), 11, 'ten, and the first of those that come slowly');
    assert.equal(await given(30), 0);
    braked.startTaken();

    assert.equal(await given(5), 5);
    const open = temporal.client.workflow.list({
      query: "WorkflowType = 'probeStarts' and ExecutionStatus = 'Running'",
    });
    const left: string[] = [];
    for await (const { workflowId } of open) left.push(workflowId);
    assert.deepEqual(left, []);
  });

  it('is the end for what the stored rows are to blame, whatever Temporal takes', async () => {
    const damaged = new StoredRowInvalid('agent_graphs', 'x', 'is damaged');

    assert.equal((await verdicts('q'.repeat(1_001)).of(damaged))?.code, 'stored_row_invalid');
  });

  it('is waited for, and no task is given up, while the namespace is not there', async () => {
    const task = await claimOne();
    const nowhere = new Client({ connection: temporal.connection, namespace: 'not-there' });

    const error = await starter(nowhere)(task).then(
      () => null,
      (reason: unknown) => reason,
    );

    assert.deepEqual([refusalOf(error)?.status, refusalOf(error)?.isFinal], ['NOT_FOUND', false]);
    assert.deepEqual([verdictOf(error), isOutage(error)], [null, true]);
    assert.equal((await rowOf(task))?.status, 'in_progress');
  });

  it('is tried again until the task has ended otherwise', async () => {
    const task = await claimOne();
    let tries = 0;

    const ended = await startUntilEnded(task, async () => {
      tries += 1;
      await bed.tasks.end(task, 'failed');
      throw new Error('Temporal is unavailable');
    });

    assert.deepEqual([tries, ended], [1, [task.execution.taskId]]);
  });

  it('is told by the code of the error and never by its text', () => {
    const refused = (code: number) =>
      Object.assign(new Error('INVALID_ARGUMENT'), { code, details: 'INVALID_ARGUMENT', metadata: {} });
    const finals = Array.from({ length: 17 }, (_, code) => code).filter((code) => verdictOf(refused(code)) !== null);

    assert.deepEqual(finals, [3, 11]);
    assert.equal(verdictOf(new Error('INVALID_ARGUMENT: refused for good')), null);
    const wrapped = new Error('Failed to start Workflow', { cause: refused(3) });
    assert.equal(verdictOf(wrapped)?.code, 'start_refused');
    const refusal = refusalOf(wrapped);
    assert.ok(refusal);
    assert.equal(verdictOf(new StartRefused('x' as never, refusal, wrapped))?.code, 'start_refused');
  });
});
