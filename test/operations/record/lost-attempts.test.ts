import assert from 'node:assert/strict';
import { v7 as uuid } from 'uuid';
import { openDatabase } from '../../../database/open-orm.ts';
import type { TraceId } from '../../../domain/ids.ts';
import { RunRepository } from '../../../entities/traces/run-repository.ts';
import { Recorder } from '../../../operations/record/recorder.ts';
import { AgentsUnderTest } from '../../support/agents.ts';
import { sharedStack } from '../../support/stack.ts';

describe('an attempt that was lost', () => {
  let agents: AgentsUnderTest;

  before(async () => {
    agents = await AgentsUnderTest.open(await sharedStack(), 'lost attempts');
  });
  after(() => agents?.close());

  /** The judgement over an attempt that this process ran. */
  async function judged(process: string, { explained }: { explained?: string } = {}): Promise<string[]> {
    const traceId = uuid() as TraceId;
    await agents.asSuperuser(`
      set session_replication_role = replica;
      insert into muster.agent_runs (id, tenant_id, trace_id, node_id, agent, kind, status, attempts)
        values (gen_random_uuid(), 'default', '${traceId}', 'work', 'a', 'agent', 'running', 2)`);
    return agents.database.inTenant('default', async ({ em }) => {
      const recorder = new Recorder(em);
      if (explained !== undefined) await recorder.lossExplained({ traceId, nodeId: 'work', number: 1 }, explained);
      await recorder.lossFound({ traceId, nodeId: 'work' }, { number: 1, process });
      return (await new RunRepository(em).find(traceId, 'work'))?.lossesSoFar() ?? [];
    });
  }

  it('was lost by a crash where nothing is known of its process, or only a lease that is no longer renewed', async () => {
    await agents.process('silent-1', ['one']);
    await agents.silence('silent-1', 20);

    assert.deepEqual(await judged('unknown-1'), ['handler_crashed']);
    assert.deepEqual(await judged('silent-1'), ['handler_crashed']);
  });

  it('missed its heartbeat where its process renews its lease', async () => {
    await agents.process('alive-1', ['two']);

    assert.deepEqual(await judged('alive-1'), ['heartbeat_missed']);
  });

  it('missed its heartbeat where its process still holds a connection', async () => {
    const process = `host-1-${'long'.repeat(20)}`;
    const database = openDatabase({ url: agents.clone.databaseUrl, poolSize: 1, applicationName: `muster ${process}` });
    await database.ping();

    const held = await judged(process);
    await database.close();

    assert.deepEqual(held, ['heartbeat_missed']);
  });

  it('stays what its own process has said of it', async () => {
    assert.deepEqual(await judged('unknown-2', { explained: 'event_loop_blocked' }), ['event_loop_blocked']);
  });
});
