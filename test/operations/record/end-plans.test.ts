import assert from 'node:assert/strict';
import type { ExecutionRef } from '../../../domain/tasks/execution.ts';
import { NOTHING_STORED } from '../../../entities/traces/artifact-repository.ts';
import type { RunEnd } from '../../../operations/record/notes.ts';
import { Recorder } from '../../../operations/record/recorder.ts';
import { ClaimBed } from '../../dispatcher/claim-bed.ts';
import { planOf } from '../../support/explain.ts';

const NODE = { nodeId: 'work', agent: 'slow-step', kind: 'agent' };
const ATTEMPT = { workflowRun: 'run', activityAttempt: 1, process: 'test' };
const RUN_END: RunEnd = {
  ...{ ...NODE, attempts: 1, failures: 0, outcome: null, output: NOTHING_STORED, error: null, startedAt: null },
  status: 'ok',
  finishedAt: new Date(),
};

const BY_KEY = /using (tasks_pkey|tasks_tenant_id_unique|agent_traces_pkey) on/;

describe('the statements of a task under way, beside hundreds of others', () => {
  let bed: ClaimBed;
  let execution: ExecutionRef;

  before(async () => {
    bed = await ClaimBed.open('end-plans');
    for (let batch = 0; batch < 5; batch += 1) await bed.claim(await bed.insert({}, 50));
    const [task] = await bed.claim(await bed.insert());
    assert.ok(task !== undefined);
    execution = task.execution;
    await bed.asSuperuser('analyze muster.tasks, muster.agent_traces');
  });
  after(() => bed?.close());

  it('find task and trace of a run that begins or ends by their keys', async () => {
    const plans = [
      await planOf(bed.database, (em) => new Recorder(em).runBegan(execution, NODE, ATTEMPT), execution.tenant),
      await planOf(bed.database, (em) => new Recorder(em).runEnded(execution, RUN_END), execution.tenant),
    ];

    for (const plan of plans) {
      const looks = plan.match(/Scan .*on (tasks|agent_traces) .*/g) ?? [];
      assert.equal(looks.length, 2, plan);
      for (const look of looks) assert.match(look, BY_KEY);
    }
  });

  it('end a task by the keys of task and trace, although row-level security offers all of the tenant’s', async () => {
    const end = { execution, status: 'completed', failure: null, output: NOTHING_STORED, reply: '' } as const;

    const plan = await planOf(bed.database, (em) => new Recorder(em).taskEnded(end), execution.tenant);

    const looks = plan.match(/Scan .*on (tasks|agent_traces) .*/g) ?? [];
    assert.equal(looks.length, 4, plan);
    for (const look of looks) assert.match(look, BY_KEY);
  });
});
