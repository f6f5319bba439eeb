import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { LOOPBACK } from '../../servers/find/own-addresses.ts';
import { findRedis } from '../../servers/install/redis-program.ts';
import { choosePort } from '../../servers/start/ports.ts';
import { eventually } from './eventually.ts';
import { startKeeper } from './keeper.ts';

const PASSWORD = 'cluster-word';
const SLOTS = 16_384;
const PRIMARIES = 3;
/** How long a node may be silent before its replica takes over. */
const NODE_TIMEOUT_MS = 1_000;

/** One server of a cluster. */
export interface ClusterNode {
  readonly port: number;
  readonly url: string;
  /** A connection of the test's own. */
  readonly redis: Redis;
  /** Lets the server fall silent: its connections stay open, and nothing is answered. */
  freeze(): void;
  /** Ends the server as a crash does. */
  kill(): Promise<void>;
}

/** A Redis Cluster of three primaries with a replica each, under a password, which ends with this process. */
export class RedisCluster {
  readonly nodes: readonly ClusterNode[];
  readonly #folder: string;
  readonly #release: () => void;
  #single: ClusterNode | null = null;

  private constructor(nodes: readonly ClusterNode[], folder: string, release: () => void) {
    this.nodes = nodes;
    this.#folder = folder;
    this.#release = release;
  }

  static async start(): Promise<RedisCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'muster-cluster-'));
    const release = startKeeper(folder);
    const nodes: ClusterNode[] = [];
    const cluster = new RedisCluster(nodes, folder, release);
    try {
      for (let index = 0; index < 2 * PRIMARIES; index += 1) nodes.push(await startNode(folder));
      await cluster.#join();
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  /** The primary that holds a key. */
  async primaryOf(key: string): Promise<ClusterNode> {
    const slot = await this.#alive().redis.cluster('KEYSLOT', key);
    const ranges = await this.#alive().redis.cluster('SLOTS');
    const port = ranges.find(([first, last]) => first <= slot && slot <= last)?.[2]?.[1];
    const found = this.nodes.find((node) => node.port === port);
    if (found === undefined) throw new Error(`No primary holds ${key}.`);
    return found;
  }

  /** Ends the cluster, and starts a server that is none at the address of its first node. */
  async replaceBySingle(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    this.#single = await startServer(this.#folder, { port: this.nodes[0]?.port ?? 0 });
  }

  async close(): Promise<void> {
    await this.#single?.kill();

    await Promise.all(this.nodes.map((node) => node.kill()));
    rmSync(this.#folder, { recursive: true, force: true });
    this.#release();
  }

  #alive(): ClusterNode {
    const alive = this.nodes.find(({ redis }) => redis.status === 'ready');
    if (alive === undefined) throw new Error('No node of the cluster runs.');
    return alive;
  }

  async #join(): Promise<void> {
    const [first, ...others] = this.nodes;
    if (first === undefined) return;
    const share = Math.ceil(SLOTS / PRIMARIES);
    for (const [index, { redis }] of this.nodes.slice(0, PRIMARIES).entries()) {
      await redis.call('CLUSTER', 'ADDSLOTSRANGE', index * share, Math.min(SLOTS, (index + 1) * share) - 1);
    }
    for (const { port } of others) await first.redis.call('CLUSTER', 'MEET', LOOPBACK, port, busPort(port));
    await this.#everyNode(/cluster_known_nodes:6/, ({ redis }) => redis.cluster('INFO'));
    for (const [index, replica] of this.nodes.slice(PRIMARIES).entries()) {
      const id = await this.nodes[index]?.redis.cluster('MYID');
      await eventually(() => replica.redis.call('CLUSTER', 'REPLICATE', String(id)), { what: 'a replica' });
    }
    await this.#everyNode(/cluster_state:ok/, ({ redis }) => redis.cluster('INFO'));
    await this.#everyNode(/connected_slaves:1|master_link_status:up/, ({ redis }) => redis.info('replication'));
  }

  async #everyNode(wanted: RegExp, ask: (node: ClusterNode) => Promise<unknown>): Promise<void> {
    for (const node of this.nodes) {
      await eventually(async () => wanted.test(String(await ask(node))), { what: String(wanted), withinMs: 30_000 });
    }
  }
}

/** Where the nodes speak to each other. */
function busPort(port: number): number {
  return port < 55_000 ? port + 10_000 : port - 10_000;
}

async function startNode(folder: string): Promise<ClusterNode> {
  const port = await choosePort(null);
  return startServer(folder, {
    port,
    'cluster-enabled': 'yes',
    'cluster-port': busPort(port),
    'cluster-node-timeout': NODE_TIMEOUT_MS,
    'cluster-replica-validity-factor': 0,
    'repl-diskless-sync-delay': 0,
  });
}

async function startServer(
  folder: string,
  given: { readonly port: number } & Readonly<Record<string, string | number>>,
): Promise<ClusterNode> {
  const program = await findRedis();
  if (program === null) throw new Error('Redis is not installed.');
  const { port } = given;
  const dir = join(folder, String(port));
  mkdirSync(dir, { recursive: true });
  const common = { bind: LOOPBACK, dir, save: '', appendonly: 'no', requirepass: PASSWORD, masterauth: PASSWORD };
  const args = Object.entries({ ...common, ...given }).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(program.path, args, { stdio: 'ignore' });
  writeFileSync(join(folder, `${port}.pid`), String(child.pid));
  const redis = new Redis({ port, host: LOOPBACK, password: PASSWORD, maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  await redis.ping();
  return {
    ...{ port, redis, url: `redis://:${PASSWORD}@${LOOPBACK}:${port}` },
    freeze: () => freeze(child, redis),
    kill: () => end(child, redis),
  };
}

function freeze(child: ChildProcess, redis: Redis): void {
  redis.disconnect();
  child.kill('SIGSTOP');
}

async function end(child: ChildProcess, redis: Redis): Promise<void> {
  redis.disconnect();
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
