import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { AGENT_BEATS, AGENT_STATUSES, type AgentEvent } from '../../domain/agents/agent-status.ts';
import { type AgentId, SYSTEM_TENANT } from '../../domain/ids.ts';
import { AgentRepository, type AgentSearch, type NewAgent } from '../../entities/agents/agent-repository.ts';
import { AgentsUnderTest } from '../support/agents.ts';
import { nextAgentStatus } from '../support/next-agent-status.ts';
import { sharedStack } from '../support/stack.ts';

describe('the registry of agents', () => {
  let agents: AgentsUnderTest;

  before(async () => {
    agents = await AgentsUnderTest.open(await sharedStack(), 'registry');
  });
  after(() => agents?.close());

  const inSystem = <Result>(work: (repository: AgentRepository) => Promise<Result>): Promise<Result> =>
    agents.database.inTenant(SYSTEM_TENANT, ({ em }) => work(new AgentRepository(em)));
  const named = (name: string, more: Partial<NewAgent> = {}): NewAgent => ({
    id: randomUUID() as AgentId,
    name,
    type: 'worker',
    description: '',
    roles: [],
    capabilities: [],
    ...more,
  });

  it('finds agents by role and by capability', async () => {
    await inSystem((repository) =>
      repository.register(SYSTEM_TENANT, [
        named('writer', { roles: ['author'], capabilities: ['write', 'translate'] }),
        named('critic', { roles: ['reviewer'], capabilities: ['write'] }),
        named('silent-one'),
      ]),
    );
    const find = async (search: AgentSearch) =>
      (await inSystem((repository) => repository.list(search))).map(({ name }) => name);

    assert.deepEqual(await find({ role: 'reviewer' }), ['critic']);
    assert.deepEqual(await find({ capability: 'write' }), ['critic', 'writer']);
    assert.deepEqual(await find({ role: 'author', capability: 'translate' }), ['writer']);
    assert.deepEqual(await find({ role: 'nobody' }), []);
    assert.equal((await find({})).length, 3);
  });

  it('keeps the id of a known name and takes everything else as the latest process says', async () => {
    const first = await inSystem((repository) => repository.register(SYSTEM_TENANT, [named('again')]));
    const second = await inSystem((repository) =>
      repository.register(SYSTEM_TENANT, [named('again', { roles: ['late'], description: 'better' })]),
    );

    const [found] = await inSystem((repository) => repository.list({ role: 'late' }));
    assert.deepEqual(second, first);
    assert.equal(found?.id, first.get('again'));
    assert.equal(found?.description, 'better');
    assert.equal(found?.status, 'starting');
  });

  it('C020: moves an agent in the database as the status machine says, from each status by each event', async () => {
    const process = await agents.process('mover', ['moved']);
    const id = process.ids.get('moved') ?? assert.fail('it is not registered');
    const leaseId = process.lease?.id ?? assert.fail('there is no lease');
    const events: readonly AgentEvent[] = [...AGENT_BEATS, 'left', 'failed', 'registered'];
    for (const status of AGENT_STATUSES) {
      for (const event of events) {
        await agents.asSuperuser(`update muster.agents set status = '${status}' where id = '${id}'`);
        await inSystem(async (repository) => {
          if (event === 'registered') return repository.register(SYSTEM_TENANT, [named('moved')]);
          if (event === 'left' || event === 'failed') return repository.leave('mover', [id], event);
          if (event === 'silent') throw new Error('silence is declared by supervision');
          return repository.beat({ leaseId, agents: [{ id, beat: event }] });
        });
        const { moved } = await agents.statuses();
        assert.equal(moved, nextAgentStatus(status, event), `${status} after ${event}`);
      }
    }
  });

  it('A5: takes no beat under a lease that has ended, and moves nobody by it', async () => {
    const process = await agents.process('ended', ['ender']);
    const id = process.ids.get('ender') ?? assert.fail('it is not registered');
    const leaseId = process.lease?.id ?? assert.fail('there is no lease');
    await agents.asSuperuser(`
      update muster.agent_leases set ended_at = now(), end_reason = 'silent' where id = '${leaseId}';
      update muster.agents set status = 'offline' where id = '${id}';
      update muster.agent_heartbeats set beat_at = '2026-01-01' where agent_id = '${id}'`);

    const taken = await inSystem((repository) => repository.beat({ leaseId, agents: [{ id, beat: 'working' }] }));

    assert.equal(taken, null);
    assert.equal((await agents.statuses()).ender, 'offline');
    const rows = await agents.rows<{ beat_at: Date }>(
      `select beat_at from muster.agent_heartbeats where agent_id = '${id}'`,
    );
    assert.equal(rows[0]?.beat_at.getUTCFullYear(), 2026);
    assert.equal(rows[0]?.beat_at.getUTCMonth(), 0);
  });

  it('says goodbye only for those agents that no other process has beaten for since', async () => {
    const first = await agents.process('first', ['shared', 'alone']);
    await agents.process('second', ['shared']);

    const gone = await first.close();

    assert.deepEqual(gone, [first.ids.get('alone')]);
    const { shared, alone } = await agents.statuses();
    assert.deepEqual({ shared, alone }, { shared: 'active', alone: 'offline' });
    assert.deepEqual(await first.close(), [], 'a second goodbye finds nothing to do');
  });

  it('shows an agent as busy while it works, as idle when it has worked, and leaves the work of others alone', async () => {
    const process = await agents.process('works', ['worker-agent']);
    const other = await agents.process('looks-on', ['worker-agent']);
    const seen: (string | undefined)[] = [];
    const look = async () => void seen.push((await agents.statuses())['worker-agent']);

    await process.beat(() => true);
    await look();
    await other.beat();
    await look();
    await process.beat(() => false);
    await look();
    await other.beat();
    await look();

    assert.deepEqual(seen, ['busy', 'busy', 'idle', 'idle']);
  });
});
