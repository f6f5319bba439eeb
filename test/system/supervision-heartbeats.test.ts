import assert from 'node:assert/strict';
import { AgentsUnderTest } from '../support/agents.ts';
import { eventually } from '../support/eventually.ts';
import { sharedStack } from '../support/stack.ts';

const LARGE = process.env.MUSTER_FAULTS === 'large';
const PROCESSES = LARGE ? 10 : 4;
const AGENTS_EACH = LARGE ? 1_000 : 500;
const BEATS = LARGE ? 30 : 8;

interface Usage {
  readonly updates: number;
  readonly share: number;
  readonly bytes: number;
}

describe('the heartbeats of many agents', function () {
  this.timeout(LARGE ? 600_000 : 60_000);
  let agents: AgentsUnderTest;

  before(async () => {
    agents = await AgentsUnderTest.open(await sharedStack(), 'heartbeat table');
  });
  after(() => agents?.close());

  it(`C12: of ${PROCESSES * AGENTS_EACH} agents stay within their pages and their table stays small`, async () => {
    const processes = await Promise.all(
      Array.from({ length: PROCESSES }, (_, process) =>
        agents.process(
          `process-${process}`,
          Array.from({ length: AGENTS_EACH }, (_agent, index) => `agent-${process}-${index}`),
        ),
      ),
    );

    // Side by side, as processes do, and in no order between them.
    for (let beat = 0; beat < BEATS; beat += 1) await Promise.all(processes.map((process) => process.beat()));

    const expected = PROCESSES * AGENTS_EACH * BEATS;
    const usage = await eventually(
      async () => {
        const [found] = await agents.rows<Usage>(`
          select n_tup_upd::int as updates, n_tup_hot_upd::float8 / nullif(n_tup_upd, 0) as share,
            pg_total_relation_size(relid)::int as bytes
          from pg_stat_user_tables where schemaname = 'muster' and relname = 'agent_heartbeats'`);
        assert.ok(found !== undefined && found.updates >= expected, `${found?.updates} of ${expected} are counted`);
        return found;
      },
      { withinMs: 30_000, everyMs: 200 },
    );

    assert.equal(usage.updates, expected);
    assert.ok(usage.share >= 0.95, `only ${usage.share} of the updates were HOT`);
    assert.ok(usage.bytes <= 5_000_000, `the table takes ${usage.bytes} bytes`);
    const statuses = await agents.rows(`select distinct status from muster.agents`);
    assert.deepEqual(statuses, [{ status: 'active' }]);
  });

  it('C12: of agents that two processes host never wait for each other in a circle', async () => {
    const names = Array.from({ length: 300 }, (_, index) => `shared-${index}`);
    const one = await agents.process('one', names);
    const other = await agents.process('other', [...names].reverse());

    await Promise.all(
      Array.from({ length: 10 }, (_, beat) => (beat % 2 === 0 ? one.beat(() => beat % 4 === 0) : other.beat())),
    );

    assert.deepEqual(agents.warnings, []);
  });
});
