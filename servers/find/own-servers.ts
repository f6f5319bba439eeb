import { describePostgresql, describeRedis, describeTemporal } from '../probe/configured.ts';
import { isReplaced } from '../probe/replaced.ts';
import type { ServiceName, ServicesConfig } from '../services.ts';
import { postgresqlUrl } from '../start/postgresql.ts';
import { isAlive } from '../start/processes.ts';
import { redisUrl } from '../start/redis.ts';
import { ownRedisUrl, type ServersContext, secretsOf } from '../start/server-kinds.ts';
import { temporalAddress } from '../start/temporal.ts';
import { cacheFolder, type ServiceRecord, StateFolder } from './state-folder.ts';

/** What Muster's own servers of this configuration are made from. */
export function ownServersContext(config: ServicesConfig): ServersContext {
  return {
    folder: new StateFolder(config.stateDir),
    cacheFolder: cacheFolder(),
    durability: 'durable',
    noInstall: config.noInstall,
    allowUpgrade: config.allowUpgrade,
    namespace: config.temporalNamespace,
  };
}

/** The record of a server that Muster started and whose very process still runs, or `null`. */
export function aliveRecord(folder: StateFolder, service: ServiceName): ServiceRecord | null {
  const record = folder.records()[service];
  return record !== undefined && isAlive(record) ? record : null;
}

/** The address of one of Muster's own servers as it may be shown. */
export function ownAddress(service: ServiceName, port: number): string {
  if (service === 'postgresql') return `postgres://muster@127.0.0.1:${port}/muster`;
  return service === 'redis' ? redisUrl(port, null) : temporalAddress(port);
}

/** Makes one of Muster's own servers do real work and returns one line about it. Rejects where it does not answer. */
export async function describeOwn(context: ServersContext, service: ServiceName, port: number): Promise<string> {
  const record = context.folder.records()[service];
  const isOld = record !== undefined && isReplaced(record);
  const facts = await describeServer(context, service, port);
  return isOld ? `${facts}; its program was replaced on disk since it started: \`muster up\` starts it again` : facts;
}

function describeServer(context: ServersContext, service: ServiceName, port: number): Promise<string> {
  if (service === 'postgresql') {
    return describePostgresql(postgresqlUrl({ port, secrets: secretsOf(context.folder) }, 'application'));
  }
  if (service === 'redis') return describeRedis(ownRedisUrl(context.folder, port));
  return describeTemporal({ address: temporalAddress(port), namespace: context.namespace });
}
