import assert from 'node:assert/strict';
import { sql } from 'kysely';
import { v7 as uuid } from 'uuid';
import { openDatabase } from '../../database/open-orm.ts';
import type { Database } from '../../database/transaction.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { type ClonedDatabase, cloneDatabase } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { type PrivateStack, startPrivateStack } from '../support/stack.ts';

const LARGE = process.env.MUSTER_FAULTS === 'large';
const WRITERS = 12;

/** Units of work that write one row each under its own key, as fast as they can, until stopped. */
class Writers {
  readonly acknowledged = new Set<string>();
  readonly failures: unknown[] = [];
  /** Runs of the unit, repetitions included. */
  runs = 0;
  lastAcknowledgedAt = 0;
  readonly #database: Database;
  readonly #loops: Promise<void>[];
  #stopped = false;

  constructor(database: Database) {
    this.#database = database;
    this.#loops = Array.from({ length: WRITERS }, () => this.#loop());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
  }

  /** Resolves when so many more units were acknowledged. */
  async more(count: number): Promise<void> {
    const wanted = this.acknowledged.size + count;
    await eventually(() => this.acknowledged.size >= wanted, {
      withinMs: 30_000,
      everyMs: 5,
      what: `${count} more units`,
    });
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      const id = uuid();
      try {
        await this.#write(id);
        this.acknowledged.add(id);
        this.lastAcknowledgedAt = performance.now();
      } catch (error) {
        this.failures.push(error);
      }
    }
  }

  #write(id: string): Promise<void> {
    return this.#database.inTenant('default', async ({ em }) => {
      this.runs += 1;
      await sql`insert into muster.audit_log (id, tenant_id, actor, action, subject_type, subject_id)
        values (${id}, 'default', 'writer', 'write', 'unit', ${id}) on conflict (id) do nothing`.execute(
        em.getKysely(),
      );
    });
  }
}

describe('the pool when PostgreSQL fails', function () {
  this.timeout(LARGE ? 1_200_000 : 120_000);
  let stack: PrivateStack;
  let clone: ClonedDatabase;
  let database: Database;

  before(async () => {
    stack = await startPrivateStack({ only: ['postgresql'] });
  });

  after(() => stack.close());

  beforeEach(async () => {
    clone = await cloneDatabase(stack, 'faults');
    database = openDatabase({ url: clone.databaseUrl, applicationName: 'faults test', poolSize: 10 });
  });

  afterEach(() => database.close());

  /** Every acknowledged unit is there once, nothing is there that was not tried, and no connection is lost. */
  const verify = async (writers: Writers) => {
    const { rows } = await database.inTenant('default', ({ em }) =>
      sql<{ id: string }>`select id from muster.audit_log`.execute(em.getKysely()),
    );
    const stored = new Set(rows.map((row) => row.id));
    const lost = [...writers.acknowledged].filter((id) => !stored.has(id));
    assert.deepEqual(writers.failures, []);
    assert.deepEqual(lost, []);
    assert.equal(stored.size, writers.acknowledged.size);
    assert.deepEqual(database.pool(), { ...database.pool(), inTransaction: 0, stranded: 0 });
  };

  it('C1: loses nothing acknowledged and works again soon after immediate restarts under load', async () => {
    const restarts = LARGE ? 50 : 3;
    const writers = new Writers(database);
    const recoveries: number[] = [];
    await writers.more(200);
    for (let count = 0; count < restarts; count += 1) {
      // SIGQUIT is PostgreSQL's immediate shutdown: every session ends at once, in the middle of whatever it does.
      await stack.postgres.kill('SIGQUIT');
      await stack.postgres.start();
      const ready = performance.now();
      await eventually(() => writers.lastAcknowledgedAt > ready, {
        everyMs: 5,
        what: 'the first commit after a restart',
      });
      recoveries.push(writers.lastAcknowledgedAt - ready);
      await writers.more(100);
    }
    await writers.stop();

    assert.ok(writers.acknowledged.size >= 200 + restarts * 100);
    assert.ok(writers.runs > writers.acknowledged.size, 'no unit of work was interrupted');
    await verify(writers);
    const slowest = Math.max(...recoveries);
    process.stdout.write(
      `      ${restarts} restarts, ${writers.acknowledged.size} units, ${writers.runs - writers.acknowledged.size} repeated; ` +
        `first commit at most ${slowest.toFixed(0)} ms after ready\n`,
    );
    assert.ok(slowest <= 3_000, `${slowest} ms`);
  });

  it('C2: loses nothing and doubles nothing while sessions are ended at random', async () => {
    const kills = LARGE ? 600 : 40;
    const writers = new Writers(database);
    await writers.more(200);
    const calm = await rate(writers, 400);
    let killed = 0;
    const started = performance.now();
    const before = writers.acknowledged.size;
    await withPostgresql(clone.superuserUrl, async (client) => {
      while (killed < kills) {
        const { rowCount } = await client.query(`select pg_terminate_backend(pid) from pg_stat_activity
          where application_name = 'faults test' and datname = current_database() order by random() limit 1`);
        killed += rowCount ?? 0;
        // The large form ends one session a second.
        await writers.more(LARGE ? Math.ceil(calm * 1_000) : 25);
      }
    });
    const stormy = (writers.acknowledged.size - before) / (performance.now() - started);
    await writers.stop();

    assert.ok(killed >= kills);
    assert.ok(writers.runs > writers.acknowledged.size, 'no unit of work was interrupted');
    await verify(writers);
    process.stdout.write(
      `      ${killed} sessions ended, ${writers.acknowledged.size} units, ${writers.runs - writers.acknowledged.size} repeated; ` +
        `throughput ${((100 * stormy) / calm).toFixed(0)} % of the calm one\n`,
    );
    if (LARGE) assert.ok(stormy >= 0.8 * calm);
  });

  it('C2: stays alive when every session is ended at once, again and again', async () => {
    const writers = new Writers(database);
    await writers.more(100);
    await withPostgresql(clone.superuserUrl, async (client) => {
      for (let count = 0; count < 8; count += 1) {
        await client.query(`select pg_terminate_backend(pid) from pg_stat_activity
          where application_name = 'faults test' and datname = current_database()`);
        await writers.more(50);
      }
    });
    await writers.stop();

    await verify(writers);
    assert.ok(database.pool().total <= 10);
  });
});

/** Units per millisecond while nothing disturbs. */
async function rate(writers: Writers, count: number): Promise<number> {
  const started = performance.now();
  const before = writers.acknowledged.size;
  await writers.more(count);
  return (writers.acknowledged.size - before) / (performance.now() - started);
}
