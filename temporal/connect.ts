import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import { errorMessage, MusterError } from '../domain/errors.ts';
import { requireAddress } from './address.ts';
import { type TemporalConnectionOptions, TemporalProfileInvalid } from './profile.ts';

/** Temporal does not answer. */
export class TemporalUnreachable extends MusterError {
  readonly code = 'service_unreachable';
  readonly retryable = true;
  constructor(address: string, cause: unknown) {
    super(
      `Temporal at ${address} does not answer: ${reasonOf(cause)}. Repair that server, or correct its address where you set it ` +
        '(TEMPORAL_ADDRESS or the Temporal profile); `muster status` says whose it is and what to do.',
      { service: 'temporal', address },
      { cause },
    );
  }
}

/** The library ends its sentence with a note that is empty as a rule. */
function reasonOf(error: unknown): string {
  return errorMessage(error)
    .replace(/\s*Resolution note:\s*$/, '')
    .replace(/\.$/, '');
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

/**
 * Opens a client that is light: for programs that only call.
 * @throws TemporalAddressInvalid, TemporalProfileInvalid, TemporalUnreachable
 */
export async function connectClient(target: TemporalAddress): Promise<TemporalClient> {
  const { address, namespace } = target;
  const connection = prepareConnection(target, { connectTimeout: CONNECT_TIMEOUT_MS });
  try {
    await connection.ensureConnected();
  } catch (error) {
    await connection.close();
    throw new TemporalUnreachable(address, error);
  }
  return { client: new Client({ connection, namespace }), namespace, close: () => connection.close() };
}

/**
 * A connection that is made by its first call. One that is made at once, and cannot be, keeps its timers until they run
 * out; this one can be closed.
 * @throws TemporalAddressInvalid, TemporalProfileInvalid
 */
export function prepareConnection(
  { address, connectionOptions }: TemporalAddress,
  options: Pick<ConnectionOptions, 'connectTimeout' | 'interceptors'>,
): Connection {
  requireAddress(address);
  try {
    return Connection.lazy({ ...connectionOptions, address, ...options });
  } catch (error) {
    throw new TemporalProfileInvalid(error);
  }
}
