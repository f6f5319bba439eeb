import { connect } from 'node:net';
import { Connection, type ConnectionOptions } from '@temporalio/client';
import { Redis } from 'ioredis';
import pg from 'pg';
import { redisAddresses } from '../../domain/system/redis-addresses.ts';

/** How long a probe waits for an answer. */
const PROBE_TIMEOUT_MS = 5_000;

export interface PostgresqlFacts {
  /** Such as `15.18`. */
  version: string;
  /** The version of the extension in this database, or `null` if it is missing. */
  vectorVersion: string | null;
  role: string;
  /** Row-level security does not bind a superuser, nor a role with BYPASSRLS. */
  bypassesRowSecurity: boolean;
  ownsDatabase: boolean;
  /** A replica, which follows another server and accepts no writes. */
  isReplica: boolean;
  /** Whether transactions cannot write, as on a replica, or on a server or with a role that is set to read only. */
  isReadOnly: boolean;
  /** The server's clock. */
  now: Date;
}

export interface RedisFacts {
  version: string;
  /** The server's process, on the machine where it runs. */
  pid: number;
  /** `null` if the server does not tell. */
  maxmemoryPolicy: string | null;
  /** Why it refuses writes; `null` if it accepts them, and for a node of a cluster, which may not have the key. */
  refusesWrites: string | null;
  now: Date;
}

export interface TemporalFacts {
  version: string;
  namespace: string;
}

/** Runs `work` on a separate connection and closes it. */
export async function withPostgresql<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: PROBE_TIMEOUT_MS,
    query_timeout: 60_000,
    application_name: 'muster set-up',
  });
  // A connection that breaks while idle must not end the process; the next query reports it.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Queries the server. Rejects with the driver's error if it does not answer. */
export function probePostgresql(url: string): Promise<PostgresqlFacts> {
  return withPostgresql(url, async (client) => {
    const { rows } = await client.query<PostgresqlFacts>(`
      select current_setting('server_version') as version,
             (select extversion from pg_extension where extname = 'vector') as "vectorVersion",
             current_user as role,
             r.rolsuper or r.rolbypassrls as "bypassesRowSecurity",
             d.datdba = r.oid as "ownsDatabase",
             pg_is_in_recovery() as "isReplica",
             current_setting('transaction_read_only')::boolean as "isReadOnly",
             clock_timestamp() as now
        from pg_roles r, pg_database d
       where r.rolname = current_user and d.datname = current_database()`);
    const facts = rows[0];
    if (facts === undefined) throw new Error('the server answered without a row');
    return { ...facts, version: facts.version.split(' ')[0] ?? facts.version };
  });
}

/** Pings the servers until one answers within five seconds, and reads its settings; otherwise rejects. */
export async function probeRedis(url: string): Promise<RedisFacts> {
  const [first, ...others] = redisAddresses(url);
  let probe = probeAddress(first);
  for (const address of others) probe = probe.catch(() => probeAddress(address));
  return probe;
}

async function probeAddress(address: string): Promise<RedisFacts> {
  const redis = new Redis(address, {
    lazyConnect: true,
    connectTimeout: PROBE_TIMEOUT_MS,
    commandTimeout: PROBE_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    // The timer that destroys a socket that does not close keeps the process alive until it fires.
    disconnectTimeout: 50,
  });
  let refusal: Error | null = null;
  redis.on('error', (error: Error) => {
    refusal = error;
  });
  try {
    await redis.connect().catch((error: unknown) => {
      // For a refused login, the call itself reports only a closed connection.
      throw refusal ?? error;
    });
    await redis.ping();
    const info = await redis.info('server');
    const [seconds, microseconds] = await redis.time();
    return {
      version: /redis_version:(\S+)/.exec(info)?.[1] ?? 'unknown',
      pid: Number(/process_id:(\d+)/.exec(info)?.[1] ?? 0),
      maxmemoryPolicy: await maxmemoryPolicy(redis),
      refusesWrites: /redis_mode:cluster/.test(info) ? null : await refusalOfWrites(redis),
      now: new Date(Number(seconds) * 1000 + Number(microseconds) / 1000),
    };
  } finally {
    redis.disconnect();
  }
}

/** Managed servers often refuse CONFIG; that is not a fault. */
async function maxmemoryPolicy(redis: Redis): Promise<string | null> {
  try {
    const answer: unknown = await redis.config('GET', 'maxmemory-policy');
    return Array.isArray(answer) ? String(answer[1]) : null;
  } catch {
    return null;
  }
}

/** The refusals of a server that accepts no writes now: a read-only replica, full memory or disk, missing replicas. */
const WRITES_REFUSED = /^(?:READONLY|OOM|MISCONF|NOREPLICAS)\b/;

async function refusalOfWrites(redis: Redis): Promise<string | null> {
  const replication = await redis.info('replication').catch(() => '');
  const [, master] = /^role:slave[\s\S]*?^master_host:(\S*)/m.exec(replication) ?? [];
  if (master !== undefined) return `it is a replica of ${master}`;
  try {
    await redis.set('muster:probe', '', 'PX', 1_000);
    return null;
  } catch (error) {
    // A login that may write only under its prefix is refused for another reason.
    return error instanceof Error && WRITES_REFUSED.test(error.message) ? error.message : null;
  }
}

export interface TemporalTarget {
  address: string;
  namespace: string;
  /** A visibility query that must be understood; the empty one always is. @defaultValue '' */
  query?: string;
  /** TLS, API key and the like of a server that Muster did not start. */
  connectionOptions?: ConnectionOptions;
}

/** Describes the namespace and lists its workflows over gRPC. Rejects if either does not answer in five seconds. */
export async function probeTemporal(target: TemporalTarget): Promise<TemporalFacts> {
  const { address, namespace, query = '', connectionOptions = {} } = target;
  await assertListens(address);
  // Lazy, because a connection that fails to open would otherwise keep its timers until they run out.
  const connection = Connection.lazy({ ...connectionOptions, address, connectTimeout: PROBE_TIMEOUT_MS });
  try {
    await connection.ensureConnected();
    return await connection.withDeadline(Date.now() + PROBE_TIMEOUT_MS, async () => {
      const info = await connection.workflowService.getSystemInfo({});
      await connection.workflowService.describeNamespace({ namespace });
      await connection.workflowService.listWorkflowExecutions({ namespace, pageSize: 1, query });
      return { version: info.serverVersion ?? 'unknown', namespace };
    });
  } finally {
    await connection.close();
  }
}

/** gRPC retries a refused connection until its deadline; this check fails at once if nothing listens. */
function assertListens(address: string): Promise<void> {
  const { host, port } = /^(?<host>[^:/]+):(?<port>\d+)$/.exec(address)?.groups ?? {};
  if (host === undefined) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port), timeout: PROBE_TIMEOUT_MS });
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.once('error', fail);
    socket.once('timeout', () => fail(new Error(`no connection within ${PROBE_TIMEOUT_MS / 1000} s`)));
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
  });
}
