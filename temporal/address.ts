import { MusterError } from '../domain/errors.ts';

/** The address of Temporal is no address. Nothing was connected. */
export class TemporalAddressInvalid extends MusterError {
  readonly code = 'config_invalid';
  readonly retryable = false;
  constructor(address: string) {
    super(
      `"${address}" is no address of a Temporal: expected host:port, such as 127.0.0.1:7233. Correct TEMPORAL_ADDRESS or the Temporal profile.`,
      { address },
    );
  }
}

/**
 * Refuses what the SDK cannot parse, before the SDK does: it leaves its runtime open then, which keeps the process alive.
 * @throws TemporalAddressInvalid
 */
export function requireAddress(address: string): void {
  const url = URL.parse(`grpc://${address}`);
  if (url === null || url.hostname === '' || /[/?#@]|:$/.test(address)) throw new TemporalAddressInvalid(address);
}
