import { Client, isGrpcServiceError } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { MusterError } from '../domain/errors.ts';
import { prepareConnection, type TemporalAddress, type TemporalClient, TemporalUnreachable } from './connect.ts';

export interface TemporalWorkerConnection extends TemporalClient {
  readonly connection: NativeConnection;
  readonly address: string;
}

/** Temporal answers but lacks the namespace. */
class TemporalNamespaceUnknown extends MusterError {
  readonly code = 'config_invalid';
  constructor(address: string, namespace: string, cause: unknown) {
    super(
      `Temporal at ${address} has no namespace "${namespace}". Create it (\`temporal operator namespace create\`), or correct TEMPORAL_NAMESPACE.`,
      { address, namespace },
      { cause },
    );
  }
}

/** How long Temporal may take to describe the namespace. */
const DESCRIBE_TIMEOUT_MS = 5_000;
const NOT_FOUND = 5;

/**
 * Opens the connection of a worker process. Its client goes through the same connection as its workers, without which
 * the server cannot hand a workflow that is started here straight back to a worker here (eager start). Not in the file
 * of `connectClient`, because loading the worker's library would delay every client and command.
 * @throws TemporalAddressInvalid, TemporalProfileInvalid, TemporalUnreachable, TemporalNamespaceUnknown
 */
export async function connectWorker(target: TemporalAddress): Promise<TemporalWorkerConnection> {
  await requireNamespace(target);
  const { address, namespace, connectionOptions } = target;
  try {
    const connection = await NativeConnection.connect({ ...connectionOptions, address });
    const client = new Client({ connection, namespace });
    return { connection, address, client, namespace, close: () => connection.close() };
  } catch (error) {
    throw new TemporalUnreachable(address, error);
  }
}

/**
 * Asks over a connection that has a timeout, reports the reason at once and can be closed. The native one waits for a
 * server that is silent, and a worker that finds its namespace missing leaves its threads running.
 */
async function requireNamespace(target: TemporalAddress): Promise<void> {
  const { address, namespace } = target;
  // Without the SDK's interceptors: they repeat a refused call until its deadline and then report only the deadline.
  const connection = prepareConnection(target, { interceptors: [] });
  try {
    await connection.withDeadline(Date.now() + DESCRIBE_TIMEOUT_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
  } catch (error) {
    if (isGrpcServiceError(error) && error.code === NOT_FOUND) {
      throw new TemporalNamespaceUnknown(address, namespace, error);
    }
    throw new TemporalUnreachable(address, error);
  } finally {
    await connection.close();
  }
}
