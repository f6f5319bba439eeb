import { Client, Connection } from '@temporalio/client';
import { errorMessage, MusterError } from '../domain/errors.ts';
import type { TemporalConnectionOptions } from './profile.ts';

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
  /** `host:port` of the gRPC front end. */
  readonly address: string;
  readonly namespace: string;
  /** @defaultValue neither TLS nor an API key */
  readonly connectionOptions?: TemporalConnectionOptions;
}

export interface TemporalClient {
  readonly client: Client;
  readonly namespace: string;
  close(): Promise<void>;
}

/** How long opening a connection may take. */
const CONNECT_TIMEOUT_MS = 5_000;

/** Opens a client that is light: for programs that only call. @throws TemporalUnreachable */
export async function connectClient({
  address,
  namespace,
  connectionOptions,
}: TemporalAddress): Promise<TemporalClient> {
  try {
    const connection = await Connection.connect({ ...connectionOptions, address, connectTimeout: CONNECT_TIMEOUT_MS });
    return { client: new Client({ connection, namespace }), namespace, close: () => connection.close() };
  } catch (error) {
    throw new TemporalUnreachable(address, error);
  }
}
