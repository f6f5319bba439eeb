import assert from 'node:assert/strict';
import type { InstallationGauges } from '../../../entities/system/gauge-repository.ts';
import { type MetricSources, Metrics } from '../../../worker/observe/metrics.ts';

const INSTALLATION: InstallationGauges = {
  waiting: { high: 1, normal: 2, low: 3 },
  outboxAgeSeconds: 4,
  agents: { active: 5 },
  suspects: 6,
  alerted: 7,
  oldestHeartbeatSeconds: 8,
  messagesWaiting: 9,
};

describe('the metrics of a worker', () => {
  let installation: InstallationGauges | null;
  let metrics: Metrics;

  beforeEach(() => {
    installation = INSTALLATION;
    const sources: MetricSources = {
      pool: () => ({ total: 3, idle: 1, inTransaction: 2, stranded: 0 }),
      eventLoopLagMs: () => 1_500,
      runningNodes: () => 2,
      claimed: () => 11,
      stalls: () => [{ kind: 'work_not_taken', detail: 'x' }],
      redisIsUnavailable: () => true,
      limiter: () => ({ localShare: 12 }),
      installation: async () => installation,
    };
    metrics = new Metrics(sources);
  });

  const lines = async () => (await metrics.text()).body.split('\n');

  it('show what their sources say, each with its help and its labels', async () => {
    const found = await lines();

    for (const line of [
      'muster_pool_connections{state="open"} 2',
      'muster_event_loop_lag_seconds 1.5',
      'muster_nodes_running 2',
      'muster_tasks_claimed 11',
      'muster_stalled{kind="work_not_taken"} 1',
      'muster_stalled{kind="loop_stuck"} 0',
      'muster_redis_unavailable 1',
      'muster_limiter{count="localShare"} 12',
      'muster_tasks_waiting{band="low"} 3',
      'muster_agents{status="active"} 5',
      'muster_agents{status="failed"} 0',
      'muster_agents_suspect 6',
      'muster_agents_alerted 7',
      'muster_heartbeat_age_seconds 8',
      'muster_outbox_unsent_age_seconds 4',
      'muster_messages_waiting 9',
      '# TYPE muster_node_duration_seconds histogram',
    ]) {
      assert.ok(found.includes(line), `${line} is missing`);
    }
  });

  it('leave out what nobody knows while PostgreSQL does not answer, and show it again afterwards', async () => {
    await lines();
    installation = null;
    const during = (await lines()).filter((line) => !line.startsWith('#'));
    installation = INSTALLATION;

    assert.equal(
      during.some((line) => /^muster_(agents|tasks_waiting|outbox|heartbeat|messages)/.test(line)),
      false,
    );
    assert.ok(during.includes('muster_nodes_running 2'));
    assert.ok((await lines()).includes('muster_outbox_unsent_age_seconds 4'));
  });

  it('count what they are told', async () => {
    metrics.taskEnded('failed');
    metrics.taskEnded('failed');
    metrics.nodeEnded({ agent: 'writer', outcome: 'ok', durationMs: 200 });
    metrics.repeats('writer');
    const found = await lines();

    assert.ok(found.includes('muster_tasks_ended_total{status="failed"} 2'));
    assert.ok(found.includes('muster_node_duration_seconds_bucket{le="0.5",agent="writer",outcome="ok"} 1'));
    assert.ok(found.includes('muster_node_duration_seconds_bucket{le="0.1",agent="writer",outcome="ok"} 0'));
    assert.ok(found.includes('muster_agent_repetitions_total{agent="writer"} 1'));
  });
});
