import assert from 'node:assert/strict';
import type { ExecutionRef } from '../../../domain/tasks/execution.ts';
import { NOTHING_STORED } from '../../../entities/traces/artifact-repository.ts';
import type { RunEnd } from '../../../operations/record/notes.ts';
import { Recorder } from '../../../operations/record/recorder.ts';
import { withPostgresql } from '../../../servers/probe/probes.ts';
import { ClaimBed } from '../../dispatcher/claim-bed.ts';

const NODE = { nodeId: 'work', agent: 'slow-step', kind: 'agent' };
const ATTEMPT = { workflowRun: 'A', activityAttempt: 1, process: 'one' };
const END: RunEnd = {
  ...{ ...NODE, status: 'ok', attempts: 1, failures: 0, outcome: null, output: NOTHING_STORED, error: null },
  ...{ startedAt: new Date(), finishedAt: new Date() },
};

describe('a record of the task of another tenant', () => {
  let bed: ClaimBed;
  let execution: ExecutionRef;

  before(async () => {
    bed = await ClaimBed.open('foreign tenant');
  });
  after(() => bed?.close());
  beforeEach(async () => {
    const [task] = await bed.claim(await bed.insert({ tenant: 'owner' }));
    assert.ok(task);
    execution = task.execution;
    await as('owner', (recorder) => recorder.runBegan(execution, NODE, ATTEMPT));
  });

  const as = (tenant: string, write: (recorder: Recorder) => Promise<unknown>) =>
    bed.database.inTenant(tenant, ({ em }) => write(new Recorder(em)));

  const WRITES: Readonly<Record<string, (recorder: Recorder) => Promise<unknown>>> = {
    'the beginning of a run': (recorder) => recorder.runBegan(execution, NODE, { ...ATTEMPT, activityAttempt: 2 }),
    'the end of a run': (recorder) => recorder.runEnded(execution, END),
    'the runs of a stretch': (recorder) => recorder.runsReplaced(execution, [END]),
    'an event': (recorder) => recorder.eventHappened(execution.traceId, [{ type: 'trace.paused' }]),
    'the end of the task': (recorder) =>
      recorder.taskEnded({ execution, status: 'completed', failure: null, output: NOTHING_STORED, reply: '' }),
    'the end of the trace': (recorder) =>
      recorder.traceEnded(execution.traceId, { status: 'completed', failure: null }),
  };

  for (const [what, write] of Object.entries(WRITES)) {
    it(`S9: is not written: ${what}`, async () => {
      const before = await rows();

      await as('stranger', write);
      const after = await rows();
      await as('owner', write);

      assert.deepEqual(after, before);
      assert.notDeepEqual(await rows(), before, 'its own tenant writes it');
    });
  }

  /** All recorded rows of all tasks. */
  async function rows(): Promise<unknown> {
    return withPostgresql(bed.clone.superuserUrl, async (client) => {
      const tables = ['agent_traces', 'agent_runs', 'trace_events', 'audit_log', 'outbox', 'tasks'];
      const found = [];
      for (const table of tables) found.push((await client.query(`select * from muster.${table} order by 1, 2`)).rows);
      return found;
    });
  }
});
