import { redisAddresses } from '../../domain/system/redis-addresses.ts';
import { ServiceNotRunning } from '../server-errors.ts';
import type { Connections, ServiceName, ServicesConfig } from '../services.ts';
import { withCompose } from './compose-servers.ts';
import { ownRedisUrl, postgresqlUrl, secretsOf, temporalAddress, temporalUiUrl } from './own-addresses.ts';
import { type LastPorts, StateFolder } from './state-folder.ts';

/**
 * The addresses of the configured services and of those that Muster started. Contacts no server, so it is quick. Work
 * continues while Redis or Temporal is unavailable, so one that has died is found where it ran last, which is where it
 * returns. Throws ServiceNotRunning for a PostgreSQL that does not run, and for a service that was never started.
 */
export async function findConnections(given: ServicesConfig): Promise<Connections> {
  const folder = new StateFolder(given.stateDir);
  const config = withCompose(given, folder);
  return {
    ...databaseConnections(config, folder),
    redisUrl: config.redisUrl ?? ownRedisUrl(folder, lastPorts(folder, 'redis').port),
    ...temporalConnections(config, folder),
  };
}

/** The addresses of PostgreSQL, whatever the state of the other services. Throws ServiceNotRunning. */
export function findDatabase(given: ServicesConfig): DatabaseConnections {
  const folder = new StateFolder(given.stateDir);
  return databaseConnections(withCompose(given, folder), folder);
}

function lastPorts(folder: StateFolder, service: ServiceName): LastPorts {
  const ports = folder.lastPorts(service);
  if (ports === null) throw new ServiceNotRunning(service);
  return ports;
}

type DatabaseConnections = Pick<Connections, 'databaseUrl' | 'ownerUrl'>;

function databaseConnections({ databaseUrl, ownerUrl }: ServicesConfig, folder: StateFolder): DatabaseConnections {
  if (databaseUrl !== null) return { databaseUrl, ownerUrl: ownerUrl ?? databaseUrl };
  const record = folder.aliveRecord('postgresql');
  if (record === null) throw new ServiceNotRunning('postgresql');
  const server = { port: record.port, secrets: secretsOf(folder) };
  return { databaseUrl: postgresqlUrl(server, 'application'), ownerUrl: postgresqlUrl(server, 'owner') };
}

type TemporalConnections = Pick<Connections, 'temporalAddress' | 'temporalConnectionOptions' | 'temporalUiUrl'>;

function temporalConnections(config: ServicesConfig, folder: StateFolder): TemporalConnections {
  const { temporalAddress: configured, temporalConnectionOptions = {}, temporalUiUrl: ui } = config;
  if (configured !== null) return { temporalAddress: configured, temporalConnectionOptions, temporalUiUrl: ui };
  const { port, uiPort } = lastPorts(folder, 'temporal');
  const uiUrl = ui ?? (uiPort === null ? null : temporalUiUrl(uiPort));
  return { temporalAddress: temporalAddress(port), temporalConnectionOptions: {}, temporalUiUrl: uiUrl };
}

/** The configured address of a service without credentials, or `null` if none is configured. */
export function configuredAddress(config: ServicesConfig, service: ServiceName): string | null {
  if (service === 'temporal') return config.temporalAddress;
  const url = service === 'postgresql' ? config.databaseUrl : config.redisUrl;
  return url === null ? null : withoutPassword(url);
}

/** An address, or several of a Redis, without credentials. */
function withoutPassword(url: string): string {
  try {
    const shown = redisAddresses(url).map((address) => Object.assign(new URL(address), { password: '' }).toString());
    return shown.join(',');
  } catch {
    return '(an address that is not a URL)';
  }
}
