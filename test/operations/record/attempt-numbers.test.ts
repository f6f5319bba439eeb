import assert from 'node:assert/strict';
import type { ExecutionRef } from '../../../domain/tasks/execution.ts';
import type { LeavingVerdict } from '../../../domain/traces/attempt.ts';
import { TraceRepository } from '../../../entities/traces/trace-repository.ts';
import type { RunBeginning } from '../../../operations/record/notes.ts';
import { Recorder } from '../../../operations/record/recorder.ts';
import { ClaimBed } from '../../dispatcher/claim-bed.ts';

const NODE = { nodeId: 'work', agent: 'slow-step', kind: 'agent' };

describe('the number of an attempt', () => {
  let bed: ClaimBed;
  let execution: ExecutionRef;

  before(async () => {
    bed = await ClaimBed.open('attempt numbers');
  });
  after(() => bed?.close());
  beforeEach(async () => {
    const [task] = await bed.claim(await bed.insert());
    assert.ok(task);
    execution = task.execution;
  });

  const inRun = <Result>(work: (recorder: Recorder) => Promise<Result>) =>
    bed.database.inTenant(execution.tenant, ({ em }) => work(new Recorder(em)));
  const leave = (number: number, verdict: LeavingVerdict) =>
    inRun((recorder) => recorder.attemptLeft(attempt(number), verdict));
  const begin = (workflowRun: string, activityAttempt: number, process = 'one') =>
    inRun((recorder) => recorder.runBegan(execution, NODE, { workflowRun, activityAttempt, process }));
  const told = (begun: RunBeginning) => (begun.kind === 'begun' ? begun.number : begun.kind);
  const numbers = async (attempts: readonly (readonly [string, number])[]) => {
    const found = [];
    for (const [run, attempt] of attempts) found.push(told(await begin(run, attempt)));
    return found;
  };
  const attempt = (number: number) => ({ traceId: execution.traceId, nodeId: NODE.nodeId, number });
  const eventTypes = () =>
    bed.database.inTenant(execution.tenant, async ({ em }) =>
      (await new TraceRepository(em).events(execution.traceId, 1, 100)).map(({ type }) => type),
    );

  it('is 1 for the first that begins, whatever number Temporal gives it, and stays when it begins again', async () => {
    assert.deepEqual(
      await numbers([
        ['A', 40],
        ['A', 40],
        ['A', 45],
      ]),
      [1, 1, 2],
    );
  });

  it('grows when Temporal begins to count anew within one workflow run', async () => {
    await begin('A', 3);
    await leave(1, { kind: 'retry', error: { code: 'handler_failed', message: 'no' }, waitMs: 0 });

    assert.deepEqual(
      await numbers([
        ['A', 1],
        ['A', 2],
      ]),
      [2, 3],
    );
  });

  it('is refused while a later attempt is under way, and given to the next when the workflow run lives', async () => {
    assert.deepEqual(
      await numbers([
        ['A', 3],
        ['A', 1],
        ['A', 1],
        ['A', 2],
      ]),
      [1, 'overtaken', 'overtaken', 2],
    );
  });

  it('is refused to a workflow run that another one has overtaken, unless Temporal makes it a further attempt', async () => {
    assert.deepEqual(
      await numbers([
        ['A', 1],
        ['B', 1],
        ['A', 1],
        ['A', 1],
        ['B', 1],
        ['B', 2],
        ['A', 2],
        ['B', 3],
        ['B', 4],
      ]),
      [1, 2, 'overtaken', 'overtaken', 2, 3, 4, 'overtaken', 5],
    );
  });

  it('is refused for good when the task has ended', async () => {
    const [task] = await bed.claim(await bed.insert());
    assert.ok(task);
    await bed.end(task);
    execution = task.execution;

    assert.equal(told(await begin('A', 1)), 'stale');
  });

  it('is told by an event once, and not again after waits for a limit', async () => {
    await begin('A', 1);
    for (const number of [1, 2, 3]) {
      await leave(number, { kind: 'wait', message: '', waitMs: 0, countedMs: 0 });
      await begin('A', number + 1);
    }
    assert.deepEqual(await eventTypes(), ['run.started']);

    await leave(4, { kind: 'give back' });
    await begin('A', 5);
    assert.deepEqual(await eventTypes(), ['run.started', 'run.retried']);
  });
});
