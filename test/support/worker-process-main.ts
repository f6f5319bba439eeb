import { pathToFileURL } from 'node:url';
import pg from 'pg';
import type { Graph } from '../../index.ts';
import { startWorker } from '../../worker.ts';

/** A worker as a program of its own: hosts the graphs that the module named on its command line exports. */

/**
 * Connections of the worker's pools that are not free now. A busy pool has some at a given moment; one that was stranded
 * never comes back, so that an idle worker's count reaches zero only when none was.
 */
const pools = new Set<pg.Pool>();
const connectPool: (...rest: unknown[]) => unknown = pg.Pool.prototype.connect;
Object.assign(pg.Pool.prototype, {
  connect(this: pg.Pool, ...rest: unknown[]) {
    pools.add(this);
    return connectPool.apply(this, rest);
  },
});

function takenConnections(): number {
  return [...pools].reduce((sum, pool) => sum + pool.totalCount - pool.idleCount, 0);
}

const { graphs } = (await import(pathToFileURL(process.argv[2] ?? '').href)) as { graphs: readonly Graph[] };
const worker = await startWorker({ graphs });
process.on('SIGTERM', () => {
  process.channel?.unref();
  void worker.stop().catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exitCode = 1;
  });
});
process.on('message', () => process.send?.({ takenConnections: takenConnections() }));
process.on('disconnect', () => process.exit(1));
process.send?.({ ready: worker.workerId });
await worker.stopped;
process.removeAllListeners('disconnect');
if (process.connected) process.disconnect();
