import { errorMessage } from '../../domain/errors.ts';
import { withCompose } from '../find/compose-servers.ts';
import { configuredAddress } from '../find/find-connections.ts';
import { ownAddress, ownRedisUrl, postgresqlUrl, secretsOf, temporalAddress } from '../find/own-addresses.ts';
import { isAlive } from '../find/process-identity.ts';
import { type ServiceRecord, StateFolder } from '../find/state-folder.ts';
import {
  type ProgramSource,
  SERVICE_NAMES,
  SERVICE_VARIABLES,
  type ServiceName,
  type ServiceStatus,
  type ServicesConfig,
} from '../services.ts';
import { logHint } from '../start/wait-until-answers.ts';
import { checkConfigured, describePostgresql, describeRedis, describeTemporal } from './configured.ts';
import { isReplaced } from './replaced.ts';

const PROGRAM_ORIGINS: Readonly<Record<ProgramSource, string>> = {
  installed: 'an installed program',
  'package manager': "a program of the system's packages",
  download: 'a downloaded program',
  build: 'a program that was built here',
};

/** The state of the three services; each does real work for it. Never rejects because of a service. */
export function serviceStatuses(given: ServicesConfig): Promise<ServiceStatus[]> {
  const folder = new StateFolder(given.stateDir);
  const config = withCompose(given, folder);
  return Promise.all(SERVICE_NAMES.map((name) => serviceStatus(name, config, folder)));
}

async function serviceStatus(
  service: ServiceName,
  config: ServicesConfig,
  folder: StateFolder,
): Promise<ServiceStatus> {
  const configured = configuredAddress(config, service);
  if (configured !== null) {
    const base = { name: service, address: configured, source: 'environment' as const };
    return judge(base, () => checkConfigured(config, service));
  }
  const record = folder.records()[service];
  if (record === undefined) return notRunning(service);
  const base = { name: service, address: ownAddress(service, record.port), source: 'muster' as const };
  if (!isAlive(record)) {
    const hint = logHint(folder.logPath(service));
    const detail = `its process ${record.pid} is gone; start it again with \`muster up\`. ${hint}`;
    return { ...base, healthy: false, detail };
  }
  return judge(base, () => describeOwn(service, { record, folder, namespace: config.temporalNamespace }));
}

async function judge(
  base: Pick<ServiceStatus, 'name' | 'address' | 'source'>,
  describe: () => Promise<string>,
): Promise<ServiceStatus> {
  try {
    return { ...base, healthy: true, detail: await describe() };
  } catch (error) {
    return { ...base, healthy: false, detail: errorMessage(error) || 'it does not answer' };
  }
}

function notRunning(service: ServiceName): ServiceStatus {
  const detail = `not running; start it with \`muster up\`, or set ${SERVICE_VARIABLES[service]}`;
  return { name: service, address: null, source: 'none', healthy: false, detail };
}

interface OwnServer {
  record: ServiceRecord;
  folder: StateFolder;
  namespace: string;
}

/** One line about one of Muster's own servers. Rejects if it does not answer. */
async function describeOwn(service: ServiceName, server: OwnServer): Promise<string> {
  const { pid, source } = server.record;
  const facts = await describeServer(service, server);
  const replaced = isReplaced(server.record)
    ? '; its program was replaced on disk since it started: `muster up` starts it again'
    : '';
  return `${facts}${replaced}; started by Muster (${PROGRAM_ORIGINS[source]}), process ${pid}`;
}

function describeServer(service: ServiceName, { record, folder, namespace }: OwnServer): Promise<string> {
  const { port } = record;
  if (service === 'postgresql') {
    return describePostgresql(postgresqlUrl({ port, secrets: secretsOf(folder) }, 'application'));
  }
  if (service === 'redis') return describeRedis(ownRedisUrl(folder, port));
  return describeTemporal({ address: temporalAddress(port), namespace });
}
