import {
  Client,
  Connection,
  type ConnectionOptions,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
} from '@temporalio/client';
import { errorMessage, MusterError } from '../domain/errors.ts';
import { type TemporalConnectionOptions, TemporalProfileInvalid } from './profile.ts';

/** The configured address of Temporal cannot be parsed. Nothing was connected. */
class TemporalAddressInvalid extends MusterError {
  readonly code = 'config_invalid';
  constructor(address: string) {
    super(
      `"${address}" is not the address of a Temporal server: expected host:port, such as 127.0.0.1:7233. Correct TEMPORAL_ADDRESS or the Temporal profile.`,
      { address },
    );
  }
}

/**
 * Refuses an address that the SDK cannot parse. The SDK would leave its runtime open, which keeps the process alive.
 * @throws TemporalAddressInvalid
 */
function requireAddress(address: string): void {
  const url = URL.parse(`grpc://${address}`);
  if (url === null || url.hostname === '' || /[/?#@]|:$/.test(address)) throw new TemporalAddressInvalid(address);
}

/** Temporal does not answer. */
export class TemporalUnreachable extends MusterError {
  readonly code = 'service_unreachable';
  override readonly retryable = true;
  constructor(address: string, cause: unknown) {
    super(
      `Temporal at ${address} does not answer: ${reasonOf(cause)}. Repair that server, or correct its address where you set it ` +
        '(TEMPORAL_ADDRESS or the Temporal profile); `muster status` says whose it is and what to do.',
      { service: 'temporal', address },
      { cause },
    );
  }
}

/** The library ends its sentence with a note that is usually empty. */
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
 * Opens a light client for programs that only call.
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
 * A connection that opens with its first call. One that is opened at once and fails keeps its timers until they run
 * out; this one can be closed.
 * @throws TemporalAddressInvalid, TemporalProfileInvalid
 */
export function prepareConnection(
  { address, connectionOptions }: TemporalAddress,
  options: Pick<ConnectionOptions, 'connectTimeout' | 'interceptors'>,
): Connection {
  requireAddress(address);
  const interceptors = [makeGrpcRetryInterceptor(defaultGrpcRetryOptions()), refuseWhenClosed];
  try {
    return Connection.lazy({ ...connectionOptions, address, interceptors, ...options });
  } catch (error) {
    throw new TemporalProfileInvalid(error);
  }
}

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];
type GrpcCall = ReturnType<Interceptor>;
type Metadata = Parameters<GrpcCall['start']>[0];

/**
 * Ends a call that begins after its connection was closed. A call that the server refused as busy is repeated by the SDK
 * from a timer, seconds later, and a channel that is closed by then throws there, which would end the process.
 */
const refuseWhenClosed: Interceptor = (options, nextCall) => {
  try {
    return nextCall(options) as GrpcCall;
  } catch (error) {
    return refusedCall(errorMessage(error));
  }
};

/** gRPC's code CANCELLED, which is not repeated. */
const CANCELLED = 1;

function refusedCall(details: string): GrpcCall {
  const start: GrpcCall['start'] = (sent, listener) => {
    const metadata = new (sent.constructor as new () => Metadata)();
    listener?.onReceiveMessage?.(null);
    listener?.onReceiveStatus?.({ code: CANCELLED, details, metadata });
  };
  const nothing = () => undefined;
  const rest = ['sendMessage', 'sendMessageWithContext', 'startRead', 'halfClose', 'cancelWithStatus', 'getPeer'];
  return { start, ...Object.fromEntries(rest.map((name) => [name, nothing])) } as unknown as GrpcCall;
}
