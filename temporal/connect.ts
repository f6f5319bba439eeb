import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection } from '@temporalio/worker';
import { errorMessage, MusterError } from '../domain/errors.ts';

/** Temporal does not answer. */
export class TemporalUnreachable extends MusterError {
  readonly code = 'service_unreachable';
  readonly retryable = true;
  constructor(address: string, cause: unknown) {
    super(
      `Temporal at ${address} does not answer: ${errorMessage(cause)}. Start it with \`muster up\`, or set TEMPORAL_ADDRESS.`,
      { service: 'temporal', address },
      { cause },
    );
  }
}

export interface TemporalAddress {
  readonly address: string;
  readonly namespace: string;
}

export interface TemporalClient {
  readonly client: Client;
  readonly namespace: string;
  close(): Promise<void>;
}

/** How long opening a connection may take. */
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * The SDK's own configuration (environment, `temporal.toml` profiles with TLS and API key) with Muster's address in the
 * place of a missing one.
 */
function connectOptions({ address, namespace }: TemporalAddress) {
  const { connectionOptions, namespace: configured } = loadClientConnectConfig();
  return {
    connection: { ...connectionOptions, address: connectionOptions.address ?? address },
    namespace: configured ?? namespace,
  };
}

/** Opens a client that is light: for programs that only call. */
export async function connectClient(target: TemporalAddress): Promise<TemporalClient> {
  const { connection: options, namespace } = connectOptions(target);
  try {
    const connection = await Connection.connect({ ...options, connectTimeout: CONNECT_TIMEOUT_MS });
    return { client: new Client({ connection, namespace }), namespace, close: () => connection.close() };
  } catch (error) {
    throw new TemporalUnreachable(options.address, error);
  }
}

export interface TemporalWorkerConnection extends TemporalClient {
  readonly connection: NativeConnection;
}

/**
 * Opens the connection of a worker process. Its client goes through the same connection as its workers, without which
 * the server cannot hand a workflow that is started here straight back to a worker here (eager start).
 */
export async function connectWorker(target: TemporalAddress): Promise<TemporalWorkerConnection> {
  const { connection: options, namespace } = connectOptions(target);
  try {
    const connection = await NativeConnection.connect(options);
    return { connection, client: new Client({ connection, namespace }), namespace, close: () => connection.close() };
  } catch (error) {
    throw new TemporalUnreachable(options.address, error);
  }
}
