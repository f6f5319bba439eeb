import { ServiceNotRunning } from '../server-errors.ts';
import { type Connections, SERVICE_NAMES, type ServiceName, type ServicesConfig } from '../services.ts';
import { withCompose } from './compose-servers.ts';
import { configuredAddress } from './configured-address.ts';
import { ownRedisUrl, postgresqlUrl, secretsOf, temporalAddress, temporalUiUrl } from './own-addresses.ts';
import { type ServiceRecord, StateFolder } from './state-folder.ts';

/**
 * The addresses of the configured services and of those that Muster started and that still run. Asks no server, so it
 * is quick. Throws ServiceNotRunning for the first that is neither.
 */
export async function findConnections(given: ServicesConfig): Promise<Connections> {
  const folder = new StateFolder(given.stateDir);
  const config = withCompose(given, folder);
  const missing = SERVICE_NAMES.find(
    (name) => configuredAddress(config, name) === null && folder.aliveRecord(name) === null,
  );
  if (missing !== undefined) throw new ServiceNotRunning(missing);
  return {
    ...databaseConnections(config, folder),
    redisUrl: config.redisUrl ?? ownRedisUrl(folder, ownServer(folder, 'redis').port),
    ...temporalConnections(config, folder),
  };
}

/** The addresses of PostgreSQL alone, whatever state the other services are in. Throws ServiceNotRunning. */
export function findDatabase(given: ServicesConfig): DatabaseConnections {
  const folder = new StateFolder(given.stateDir);
  return databaseConnections(withCompose(given, folder), folder);
}

function ownServer(folder: StateFolder, service: ServiceName): ServiceRecord {
  const record = folder.aliveRecord(service);
  if (record === null) throw new ServiceNotRunning(service);
  return record;
}

type DatabaseConnections = Pick<Connections, 'databaseUrl' | 'ownerUrl'>;

function databaseConnections({ databaseUrl, ownerUrl }: ServicesConfig, folder: StateFolder): DatabaseConnections {
  if (databaseUrl !== null) return { databaseUrl, ownerUrl: ownerUrl ?? databaseUrl };
  const server = { port: ownServer(folder, 'postgresql').port, secrets: secretsOf(folder) };
  return { databaseUrl: postgresqlUrl(server, 'application'), ownerUrl: postgresqlUrl(server, 'owner') };
}

type TemporalConnections = Pick<Connections, 'temporalAddress' | 'temporalConnectionOptions' | 'temporalUiUrl'>;

function temporalConnections(config: ServicesConfig, folder: StateFolder): TemporalConnections {
  const { temporalAddress: configured, temporalConnectionOptions = {}, temporalUiUrl: ui } = config;
  if (configured !== null) return { temporalAddress: configured, temporalConnectionOptions, temporalUiUrl: ui };
  const { port, uiPort } = ownServer(folder, 'temporal');
  const uiUrl = ui ?? (uiPort === null ? null : temporalUiUrl(uiPort));
  return { temporalAddress: temporalAddress(port), temporalConnectionOptions: {}, temporalUiUrl: uiUrl };
}
