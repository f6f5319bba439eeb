import { type ClientConnectConfig, loadClientConnectConfig } from '@temporalio/envconfig';
import { errorClause, MusterError } from '../domain/errors.ts';

/** TLS, API key and headers, as the SDK reads them from the environment and `temporal.toml`. */
export type TemporalConnectionOptions = ClientConnectConfig['connectionOptions'];

/** The Temporal server that a profile may name. */
export interface TemporalSettings {
  /** `null` where the environment names none. */
  readonly temporalAddress: string | null;
  readonly temporalNamespace: string;
  readonly temporalConnectionOptions?: TemporalConnectionOptions;
}

/** The SDK's configuration of Temporal cannot be read. Nothing was started. */
export class TemporalProfileInvalid extends MusterError {
  readonly code = 'config_invalid';
  constructor(cause: unknown) {
    const reason = errorClause(cause);
    super(
      `The Temporal profile cannot be used: ${reason}. Correct temporal.toml, TEMPORAL_PROFILE or TEMPORAL_TLS….`,
      {},
      { cause },
    );
  }
}

/**
 * Completes the settings with the SDK's own configuration: `TEMPORAL_…` variables before the active profile of
 * `temporal.toml`, each value by itself, and both before the given settings. Only `environment` is read, never the
 * process's; without a home folder in it there is no file. The options of a call override the result.
 *
 * @throws TemporalProfileInvalid when a named profile, the file or a certificate cannot be read
 */
export function withTemporalProfile<Settings extends TemporalSettings>(
  settings: Settings,
  environment: Readonly<Record<string, string>>,
): Settings {
  const { connectionOptions, namespace } = loadProfile(environment);
  const { address, ...temporalConnectionOptions } = connectionOptions;
  return {
    ...settings,
    temporalAddress: address ?? settings.temporalAddress,
    temporalNamespace: namespace ?? settings.temporalNamespace,
    temporalConnectionOptions,
  };
}

function loadProfile(environment: Readonly<Record<string, string>>): ClientConnectConfig {
  try {
    return loadClientConnectConfig({ overrideEnvVars: environment });
  } catch (error) {
    throw new TemporalProfileInvalid(error);
  }
}
