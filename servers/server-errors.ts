import { errorClause, errorMessage, MusterError } from '../domain/errors.ts';
import { SERVICE_TITLES, SERVICE_VARIABLES, type ServiceName } from './services.ts';

/** PostgreSQL is neither configured nor running, or another service was never started. */
export class ServiceNotRunning extends MusterError {
  readonly code = 'service_not_running';
  override readonly retryable = true;

  constructor(service: ServiceName) {
    const variable = SERVICE_VARIABLES[service];
    super(
      `${SERVICE_TITLES[service]} is not running. Start it with \`muster up\`, or set ${variable} to a server of your own.`,
      { service, variable },
    );
  }
}

/** A step of starting a service failed. `reason` is a sentence that ends with what to do. */
export class ServiceStartFailed extends MusterError {
  readonly code = 'service_start_failed';
  override readonly retryable = true;

  readonly service: ServiceName;
  readonly step: string;

  constructor(service: ServiceName, facts: { step: string; reason: string }, cause?: unknown) {
    super(
      `${SERVICE_TITLES[service]} is not ready, its step "${facts.step}" failed: ${facts.reason}`,
      { service, ...facts },
      { cause },
    );
    this.service = service;
    this.step = facts.step;
  }
}

/** One or more services could not be started; the others run and keep running. */
export class ServicesNotReady extends MusterError {
  readonly code = 'service_start_failed';
  override readonly retryable = true;

  constructor(failures: readonly Error[], advice: string | null) {
    super(
      [...failures.map((failure) => failure.message), advice ?? []].flat().join('\n'),
      { failed: failures.length },
      { cause: failures[0] },
    );
  }
}

/** A configured server does not answer, or is not what Muster needs. */
export class ServiceUnreachable extends MusterError {
  readonly code = 'service_unreachable';
  override readonly retryable = true;

  constructor(service: ServiceName, facts: UnreachableFacts, cause?: unknown) {
    const { address, reason, compose } = facts;
    const variable = SERVICE_VARIABLES[service];
    const remedy = compose
      ? 'Start the containers with `docker compose up -d --wait`, or leave them with `muster down`.'
      : `Repair that server or correct ${variable}; without the variable \`muster up\` starts a server.`;
    super(
      `${SERVICE_TITLES[service]} at ${address} (from ${compose ? 'compose.yaml' : variable}) is not usable: ${reason} ${remedy}`,
      { service, variable, address, reason },
      { cause },
    );
  }
}

interface UnreachableFacts {
  address: string;
  reason: string;
  /** Whether it is one of the containers of `compose.yaml`. */
  compose: boolean;
}

/** Docker reports that the containers of `compose.yaml` run, but they do not answer. Nothing was started. */
export class ComposeSilent extends MusterError {
  readonly code = 'service_unreachable';
  override readonly retryable = true;

  constructor(seconds: number, cause: unknown) {
    const reason = errorClause(cause);
    super(
      `The containers of compose.yaml run, and within ${seconds} s they did not answer as that file says: ${reason}. ` +
        'Look at `docker compose logs`, or stop them with `docker compose down` and let `muster up` start servers.',
      { seconds },
      { cause },
    );
  }
}

/** A folder that Muster needs cannot be made, or this user may not write to it. Nothing was started. */
export class FolderUnusable extends MusterError {
  readonly code = 'folder_unusable';

  constructor(facts: { path: string; variable: string }, cause: unknown) {
    super(
      `The folder ${facts.path} cannot be used: ${errorMessage(cause)}. ` +
        `Set ${facts.variable} to a folder that this user may write to.`,
      facts,
      { cause },
    );
  }
}

/** The record of the servers that Muster started is damaged. Nothing was started or stopped. */
export class RecordsUnreadable extends MusterError {
  readonly code = 'service_start_failed';
  override readonly retryable = true;

  constructor({ path, running }: { path: string; running: readonly number[] }) {
    const end =
      running.length === 0
        ? 'End the servers that still run on the data beside it'
        : `End the servers that still run on the data beside it (\`kill -INT ${running.join(' ')}\`)`;
    super(
      `The record of Muster's servers, ${path}, cannot be read. ${end}, remove that file, then run \`muster up\`: the data stay.`,
      { path, running: running.join(' ') },
    );
  }
}

/** Another set-up held the lock of the state folder for longer than any set-up takes. */
export class SetUpLocked extends MusterError {
  readonly code = 'service_start_failed';
  override readonly retryable = true;

  constructor(facts: { lock: string; pid: number | null; waitedMs: number }) {
    const holder = facts.pid === null ? 'Another set-up' : `Another set-up (process ${facts.pid})`;
    super(
      `${holder} has held ${facts.lock} for ${Math.round(facts.waitedMs / 1000)} s. ` +
        'Wait for it to end or end it, then run the command again.',
      facts,
    );
  }
}

/** The file with the passwords of Muster's own PostgreSQL is damaged. Nothing was started. */
export class SecretsUnreadable extends MusterError {
  readonly code = 'service_start_failed';
  override readonly retryable = true;

  constructor(path: string, cause: unknown) {
    super(
      `The passwords of Muster's PostgreSQL in ${path} cannot be read. ` +
        'Restore that file from a backup: without it nobody can log in to the data beside it.',
      { path },
      { cause },
    );
  }
}

/** The lock cannot be read: it is a folder, or another user's file. */
export class LockUnreadable extends MusterError {
  readonly code = 'service_start_failed';
  override readonly retryable = true;

  constructor(lock: string, cause: unknown) {
    const reason = errorMessage(cause);
    super(`The lock ${lock} cannot be read (${reason}). Remove it if no set-up is running.`, { lock }, { cause });
  }
}
