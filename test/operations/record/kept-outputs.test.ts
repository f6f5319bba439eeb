import assert from 'node:assert/strict';
import type { ExecutionRef } from '../../../domain/tasks/execution.ts';
import { NOTHING_STORED } from '../../../entities/traces/artifact-repository.ts';
import { RunRepository } from '../../../entities/traces/run-repository.ts';
import { KeptValues } from '../../../operations/record/kept-values.ts';
import { type NotedRun, recordWave } from '../../../operations/record/record-wave.ts';
import { carryTogether, leaveTogether } from '../../../operations/record/shared-traces.ts';
import { withPostgresql } from '../../../servers/probe/probes.ts';
import { ClaimBed } from '../../dispatcher/claim-bed.ts';

const PROSE = { text: 'a word '.repeat(100) };
const LONG = { text: 'a word '.repeat(3_000) };
const CARRIER = 'muster-shared/one';

describe('an output that several runs of a trace have', () => {
  let bed: ClaimBed;
  let execution: ExecutionRef;

  before(async () => {
    bed = await ClaimBed.open('kept outputs');
  });
  after(() => bed?.close());
  beforeEach(async () => {
    const [task] = await bed.claim(await bed.insert({ graph: 'swift' }));
    assert.ok(task);
    execution = task.execution;
  });

  const log = { error: (_: object, message: string) => assert.fail(message) };
  const record = (runs: readonly NotedRun[]) =>
    recordWave({ database: bed.database, log }, [{ execution, runs, events: [], end: null }]);
  const rows = () =>
    withPostgresql(bed.clone.superuserUrl, async (client) => {
      const { rows: found } = await client.query(
        `select node_id, output_of, (output is not null or output_artifact_id is not null) as own
         from muster.agent_runs where trace_id = $1 order by node_id`,
        [execution.traceId],
      );
      return found.map((row) => `${row.node_id} ${row.own ? 'own' : `of ${row.output_of}`}`);
    });
  const read = () =>
    bed.database.inTenant(execution.tenant, async ({ em }) => {
      const runs = await new RunRepository(em).list(execution.traceId);
      return runs.map(({ nodeId, output }) => [nodeId, output] as const);
    });

  it('is kept by the first of them, in this wave or an earlier one, and read as that of each', async () => {
    const kept = new KeptValues();

    await record(kept.refer([run('a', PROSE), run('b', PROSE)]));
    await record(kept.refer([run('c', PROSE), run('d', LONG)]));
    await record(kept.refer([run('e', LONG), run('f', { text: 'short' }), run('g', { text: 'short' })]));

    assert.deepEqual(await rows(), ['a own', 'b of a', 'c of a', 'd own', 'e of d', 'f own', 'g own']);
    const outputs = new Map(await read());
    for (const node of ['a', 'b', 'c']) assert.deepEqual(JSON.parse(outputs.get(node)?.json ?? ''), PROSE);
    assert.deepEqual(outputs.get('e'), outputs.get('d'));
    assert.notEqual(outputs.get('e')?.artifactId, null);
  });

  it('is that of each of them alone once their task leaves the shared execution', async () => {
    const kept = new KeptValues();
    await bed.database.inSystem('dispatch', ({ em }) => carryTogether(em, CARRIER, [execution.traceId]));
    await record(kept.refer([run('a', PROSE), run('b', PROSE), run('c', LONG), run('d', LONG)]));
    const before = await read();

    const { database, settings } = bed;
    const left = await leaveTogether({ database, settings, log }, CARRIER, [execution.traceId]);

    assert.deepEqual(left, [{ taskId: execution.taskId, pausedWith: null }]);
    assert.deepEqual(await rows(), ['a own', 'b own', 'c own', 'd own']);
    assert.deepEqual(await read(), before);
  });
});

function run(nodeId: string, output: NotedRun['output'] & object): NotedRun {
  const at = new Date();
  return {
    run: {
      ...{ nodeId, agent: 'quick-step', kind: 'agent', status: 'ok', attempts: 1, failures: 0, outcome: null },
      ...{ output: NOTHING_STORED, error: null, startedAt: at, finishedAt: at },
    },
    output,
  };
}
