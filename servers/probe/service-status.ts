import { errorMessage } from '../../domain/errors.ts';
import { describeOwn, ownAddress } from '../find/own-servers.ts';
import type { ServiceRecord } from '../find/state-folder.ts';
import {
  type ProgramSource,
  SERVICE_VARIABLES,
  type ServiceName,
  type ServiceStatus,
  type ServicesConfig,
} from '../services.ts';
import { isAlive } from '../start/processes.ts';
import type { ServersContext } from '../start/server-kinds.ts';
import { logHint } from '../start/wait-until-answers.ts';
import { checkConfigured, configuredAddress } from './configured.ts';

const PROGRAM_ORIGINS: Readonly<Record<ProgramSource, string>> = {
  installed: 'an installed program',
  'package manager': "a program of the system's packages",
  download: 'a downloaded program',
  build: 'a program that was built here',
};

/** The state of one service, found by making it do real work. Never rejects. */
export async function serviceStatus(
  service: ServiceName,
  config: ServicesConfig,
  context: ServersContext,
): Promise<ServiceStatus> {
  const configured = configuredAddress(config, service);
  if (configured !== null) {
    const base = { name: service, address: configured, source: 'environment' as const };
    return judge(base, () => checkConfigured(config, service));
  }
  const record = context.folder.records()[service];
  if (record === undefined) return notRunning(service);
  if (!isAlive(record)) return gone(service, record, context);
  const base = { name: service, address: ownAddress(service, record.port), source: 'muster' as const };
  return judge(base, async () => {
    const facts = await describeOwn(context, service, record.port);
    return `${facts}; started by Muster (${PROGRAM_ORIGINS[record.source]}), process ${record.pid}`;
  });
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

function gone(service: ServiceName, record: ServiceRecord, context: ServersContext): ServiceStatus {
  const hint = logHint(context.folder.logPath(service));
  const detail = `its process ${record.pid} is gone; start it again with \`muster up\`. ${hint}`;
  return { name: service, address: ownAddress(service, record.port), source: 'muster', healthy: false, detail };
}
