import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { type TemporalAddress, type TemporalClient, TemporalUnreachable } from './connect.ts';

export interface TemporalWorkerConnection extends TemporalClient {
  readonly connection: NativeConnection;
}

/**
 * Opens the connection of a worker process. Its client goes through the same connection as its workers, without which
 * the server cannot hand a workflow that is started here straight back to a worker here (eager start). Apart from
 * `connectClient`, because loading the worker's library would make every client and command start later.
 * @throws TemporalUnreachable
 */
export async function connectWorker({
  address,
  namespace,
  connectionOptions,
}: TemporalAddress): Promise<TemporalWorkerConnection> {
  try {
    const connection = await NativeConnection.connect({ ...connectionOptions, address });
    return { connection, client: new Client({ connection, namespace }), namespace, close: () => connection.close() };
  } catch (error) {
    throw new TemporalUnreachable(address, error);
  }
}
