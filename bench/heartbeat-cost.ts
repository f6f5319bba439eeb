import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { sql } from 'kysely';
import { openDatabase } from '../database/open-orm.ts';
import type { Database } from '../database/transaction.ts';
import { HEARTBEAT_INTERVAL_MS } from '../domain/agents/agent-status.ts';
import { SYSTEM_TENANT } from '../domain/ids.ts';
import { AgentPresence } from '../operations/agents/presence.ts';
import { AgentHealthBoard } from '../redis/agent-health.ts';
import { openRedis } from '../redis/open-redis.ts';
import type { MusterUnderTest } from '../test/support/muster.ts';
import type { PrivateStack } from '../test/support/stack.ts';
import type { Finding } from './report.ts';

const PROCESSES = 10;
const AGENTS_EACH = 1_000;
/** Two minutes of beats, one after the other. */
const ROUNDS = 12;
const MEGABYTE = 1_000_000;
const silent = { debug: () => {}, info: () => {}, warn: () => {} };

/** What ten thousand agents cost that beat in ten processes: rows rewritten in place, size of the table, processor time. */
export async function measureHeartbeats(muster: MusterUnderTest, stack: PrivateStack): Promise<Finding[]> {
  const database = openDatabase({ url: muster.databaseUrl, poolSize: PROCESSES, applicationName: 'bench' });
  const prefix = muster.environment.MUSTER_REDIS_PREFIX ?? '';
  const redis = await openRedis({ url: muster.environment.MUSTER_REDIS_URL ?? '', prefix, log: silent });
  const board = new AgentHealthBoard(redis);
  try {
    const processes = Array.from({ length: PROCESSES }, (_, index) => presenceOf(database, index));
    for (const one of processes) await one.open();
    const round = async (): Promise<void> => {
      for (const one of processes) {
        const beats = [...one.ids.values()].map((id) => ({ id, status: 'active' as const }));
        await Promise.all([one.beat(), board.beat(beats)]);
      }
    };
    await round();
    const before = { cpu: cpuSeconds(stack), updates: await updates(database) };
    for (let number = 0; number < ROUNDS; number += 1) await round();
    const cpu = (cpuSeconds(stack) - before.cpu) / ROUNDS;
    const after = await updates(database);
    const hot = (after.hot - before.updates.hot) / (after.all - before.updates.all);
    const what = `${PROCESSES * AGENTS_EACH} agents beating`;
    return [
      { name: `${what}: updates in place (HOT), %`, value: 100 * hot, goal: { atLeast: 95 } },
      { name: `${what}: table with its indexes, MB`, value: after.bytes / MEGABYTE, goal: { atMost: 5 } },
      { name: `${what}: of one core, %`, value: (100 * cpu) / (HEARTBEAT_INTERVAL_MS / 1_000), goal: { atMost: 5 } },
    ];
  } finally {
    await redis.close();
    await database.close();
  }
}

function presenceOf(database: Database, index: number): AgentPresence {
  const { publicKey } = generateKeyPairSync('ed25519');
  return new AgentPresence({
    database,
    tenant: SYSTEM_TENANT,
    process: `bench-${index}`,
    agents: Array.from({ length: AGENTS_EACH }, (_, agent) => ({
      name: `agent-${index}-${agent}`,
      type: 'worker' as const,
      description: '',
      roles: [],
      capabilities: [],
    })),
    publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
    log: silent,
  });
}

/** Updates of the heartbeats so far, as PostgreSQL counts them once all sessions have reported theirs. */
async function updates(database: Database): Promise<{ all: number; hot: number; bytes: number }> {
  const { rows } = await database.inSystem('inspect', async ({ em }) => {
    await sql`select pg_stat_force_next_flush()`.execute(em.getKysely());
    return sql<{ all: string; hot: string; bytes: string }>`
      select n_tup_upd as all, n_tup_hot_upd as hot, pg_total_relation_size(relid) as bytes
      from pg_stat_user_tables where schemaname = 'muster' and relname = 'agent_heartbeats'`.execute(em.getKysely());
  });
  const [row] = rows;
  return { all: Number(row?.all), hot: Number(row?.hot), bytes: Number(row?.bytes) };
}

/** As Linux counts processor time. */
const TICKS_PER_SECOND = 100;

/** Processor seconds so far of this process, of Redis, and of PostgreSQL with its sessions. */
function cpuSeconds({ postgres, redis }: PrivateStack): number {
  const { user, system } = process.cpuUsage();
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const servers = pids
    .map(readStat)
    .filter((stat) => [postgres.pid, redis.pid].includes(stat.pid) || stat.parent === postgres.pid)
    .reduce((sum, stat) => sum + stat.seconds, 0);
  return (user + system) / 1_000_000 + servers;
}

/** Of a process that went away meanwhile nothing counts any more. */
function readStat(pid: string): { pid: number; parent: number; seconds: number } {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets, which may hold spaces.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const seconds = (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    return { pid: Number(pid), parent: Number(fields[1]), seconds };
  } catch {
    return { pid: 0, parent: 0, seconds: 0 };
  }
}
