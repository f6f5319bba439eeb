import assert from 'node:assert/strict';
import { actOn, lookAtAgents, type SupervisionReport } from '../../activities/agents/supervision.ts';
import type { WatchState } from '../../domain/agents/liveness.ts';
import type { AgentId } from '../../domain/ids.ts';
import type { AgentPresence } from '../../operations/agents/presence.ts';
import { AgentsUnderTest } from '../support/agents.ts';
import { sharedStack } from '../support/stack.ts';

const LONG_SINCE: WatchState = { databaseUpSeconds: 1_000, watchingSeconds: 1_000 };

describe('the supervision of agents', () => {
  let agents: AgentsUnderTest;
  /** What Redis shows. */
  const onBoard = new Set<AgentId>();
  const logged: { readonly message: string; readonly alert: unknown }[] = [];

  beforeEach(async () => {
    agents = await AgentsUnderTest.open(await sharedStack(), 'supervision');
    onBoard.clear();
    logged.length = 0;
  });
  afterEach(() => agents?.close());

  const note = (facts: { readonly alert?: unknown }, message: string) =>
    void logged.push({ message, alert: facts.alert });
  const board = {
    health: async (ids: readonly AgentId[]) =>
      new Map(
        ids
          .filter((id) => onBoard.has(id))
          .map((id) => [id, { id, status: 'active' as const, lastHeartbeatAt: new Date() }]),
      ),
  };
  const dependencies = () => ({
    database: agents.database,
    board,
    log: { debug: note, info: note, warn: note, error: note },
  });
  /** A look by somebody who has watched for long, over a database that has been up for long. */
  async function look(watch: Partial<WatchState> = {}): Promise<SupervisionReport> {
    const { vitals } = await lookAtAgents(agents);
    return actOn(dependencies(), { vitals, watch: { ...LONG_SINCE, ...watch } });
  }
  /** Enough others who live, so that what happens to one does not concern all. */
  const crowd = () => agents.process('crowd', ['one', 'two', 'three', 'four']);

  it('C020: suspects an agent after 30 s, without writing it, and writes it as offline after 45 s', async () => {
    await crowd();
    await agents.process('quiet', ['quiet']);

    await agents.silence('quiet', 31);
    const suspicious = await look();
    const meanwhile = await agents.statuses();
    await agents.silence('quiet', 15);
    const sure = await look();
    const again = await look();

    assert.deepEqual([suspicious.suspects, suspicious.offline], [['quiet'], []]);
    assert.equal(meanwhile.quiet, 'active');
    assert.deepEqual([sure.suspects, sure.offline, sure.silentProcesses], [[], ['quiet'], ['quiet']]);
    assert.deepEqual([again.offline, again.silentProcesses], [[], []], 'it is declared once');
    assert.deepEqual(await agents.statuses(), {
      ...{ one: 'active', two: 'active', three: 'active', four: 'active' },
      quiet: 'offline',
    });
  });

  it('C020: finds an agent active again once it beats, under a new lease with a greater fence', async () => {
    await crowd();
    const quiet = await agents.process('quiet', ['quiet']);
    const before = quiet.lease;
    await agents.silence('quiet', 50);
    await look();

    const renewed = await quiet.beat();
    const report = await look();

    assert.equal(renewed, false);
    assert.equal((await agents.statuses()).quiet, 'active');
    assert.deepEqual(report.offline, []);
    assert.ok((quiet.lease?.fence ?? 0) > (before?.fence ?? 0));
    assert.notEqual(quiet.lease?.id, before?.id);
    assert.match(agents.warnings.join('\n'), /declared dead/);
  });

  it('C020: alerts once when an agent has been gone for two minutes, and again after another death', async () => {
    await crowd();
    const quiet = await agents.process('quiet', ['quiet']);
    const die = async () => {
      await agents.silence('quiet', 50);
      await look();
      await agents.silence('quiet', 75);
      return [(await look()).alerts, (await look()).alerts];
    };

    const first = await die();
    await quiet.beat();
    const second = await die();

    assert.deepEqual(
      [first, second],
      [
        [['quiet'], []],
        [['quiet'], []],
      ],
    );
    const audit = await agents.rows(`select subject_id from muster.audit_log where action = 'agent.silent'`);
    assert.deepEqual(audit, [{ subject_id: quiet.ids.get('quiet') }, { subject_id: quiet.ids.get('quiet') }]);
    assert.equal(logged.filter(({ alert }) => alert === true).length, 2);
  });

  it('alerts nobody about agents that said goodbye', async () => {
    await crowd();
    const polite = await agents.process('polite', ['polite']);
    await polite.close();
    await agents.asSuperuser(`update muster.agent_heartbeats set beat_at = beat_at - interval '1 hour'`);
    await agents.asSuperuser(`update muster.agents set last_heartbeat = now() - interval '1 hour'`);

    assert.deepEqual((await look()).alerts, []);
  });

  it('A5: gives back the messages that a dead process was handling, under a new fence', async () => {
    await crowd();
    const quiet = await agents.process('quiet', ['quiet']);
    const living = await agents.process('living', ['living']);
    await hold(quiet, 'quiet', 'quiet');
    await hold(living, 'living', 'living');
    await agents.silence('quiet', 46);

    const report = await look();

    assert.equal(report.reroutedMessages, 1);
    const rows = await agents.rows(
      `select payload ->> 'of' as of, status, fence, lease_owner from muster.agent_messages order by 1`,
    );
    assert.deepEqual(rows, [
      { of: 'living', status: 'leased', fence: '3', lease_owner: 'living' },
      { of: 'quiet', status: 'pending', fence: '4', lease_owner: null },
    ]);
  });

  it('A5: leaves an agent idle that a dead process kept busy while another one continues', async () => {
    await crowd();
    const dying = await agents.process('dying', ['shared']);
    await dying.beat(() => true);
    const living = await agents.process('living', ['shared']);
    await agents.silence('dying', 50);
    await living.beat();

    const report = await look();

    assert.deepEqual([report.offline, report.silentProcesses], [[], ['dying']]);
    assert.equal((await agents.statuses()).shared, 'idle');
  });

  it('C13: declares nobody dead when the heartbeats are emptied', async () => {
    const processes = [await crowd(), await agents.process('more', ['five', 'six'])];
    await agents.asSuperuser('truncate muster.agent_heartbeats');

    const report = await look();
    for (const process of processes) await process.beat();
    const afterwards = await look();

    assert.deepEqual([report.offline, report.silentProcesses, report.waiting], [[], [], 'heartbeats_missing']);
    assert.deepEqual([afterwards.offline, afterwards.suspects, afterwards.waiting], [[], [], null]);
    assert.deepEqual([...new Set(Object.values(await agents.statuses()))], ['active']);
  });

  it('C13: declares nobody dead when heartbeats and leases are emptied and Redis shows life', async () => {
    const process = await crowd();
    for (const id of process.ids.values()) onBoard.add(id);
    await agents.asSuperuser('truncate muster.agent_heartbeats; delete from muster.agent_leases');

    const report = await look();
    const renewed = await process.beat();

    assert.deepEqual([report.offline, report.waiting], [[], 'heartbeats_missing']);
    assert.equal(renewed, false, 'it takes a new lease where the old one is gone');
    assert.deepEqual((await look()).waiting, null);
  });

  it('C13: declares nobody dead within two periods of a start of the database, and everybody who is, after it', async () => {
    await agents.process('quiet', ['quiet', 'still']);
    await agents.silence('quiet', 300);

    const early = await look({ databaseUpSeconds: 89 });
    const late = await look({ databaseUpSeconds: 91 });

    assert.deepEqual([early.offline, early.silentProcesses, early.waiting], [[], [], 'database_restarted']);
    assert.deepEqual(late.offline, ['quiet', 'still']);
  });

  it('C13: knows by its own lease since when it has watched, and begins anew after a gap', async () => {
    const first = (await lookAtAgents(agents)).watch;
    await agents.asSuperuser(`update muster.agent_leases set granted_at = granted_at - interval '1 hour'`);
    const later = (await lookAtAgents(agents)).watch;
    await agents.silence('supervision', 31);
    const anew = (await lookAtAgents(agents)).watch;

    assert.ok(first.watchingSeconds < 5);
    assert.ok(later.watchingSeconds >= 3_600);
    assert.ok(anew.watchingSeconds < 5);
  });

  it('leaves alone an agent that beats between the look and the verdict', async () => {
    await crowd();
    const quiet = await agents.process('quiet', ['quiet']);
    await agents.silence('quiet', 60);
    const { vitals } = await lookAtAgents(agents);
    await quiet.beat();

    const report = await actOn(dependencies(), { vitals, watch: LONG_SINCE });

    assert.deepEqual([report.offline, report.silentProcesses], [[], []]);
    assert.equal((await agents.statuses()).quiet, 'active');
  });

  it('forgets leases that ended a month ago, but for those under which a message waits', async () => {
    await crowd();
    const sender = await agents.process('sender', ['sender']);
    const other = await agents.process('other', ['other']);
    await agents.asSuperuser(`
      update muster.agent_leases set ended_at = now() - interval '31 days', end_reason = 'stopped'
      where process in ('sender', 'other')`);
    await hold(sender, 'sender', 'nobody');

    await look();

    const left = await agents.rows(`select id from muster.agent_leases where process in ('sender', 'other')`);
    assert.deepEqual(left, [{ id: sender.lease?.id }]);
    assert.notEqual(other.lease?.id, sender.lease?.id);
  });

  /** A message to an agent, signed under its process's lease, that a process is handling. */
  async function hold(process: AgentPresence, agent: string, owner: string): Promise<void> {
    await agents.asSuperuser(`
      insert into muster.agent_messages
        (timestamp, id, tenant_id, to_agent_id, message_type, priority, payload, status, attempts, leased_until,
         lease_owner, fence, lease_id, seq)
      values (now(), gen_random_uuid(), 'system', '${process.ids.get(agent)}', 'command', 3, '{"of":"${agent}"}', 'leased', 1,
        now() + interval '1 hour', '${owner}', 3, '${process.lease?.id}', 1)`);
  }
});
