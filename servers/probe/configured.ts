import { errorClause } from '../../domain/errors.ts';
import { configuredAddress } from '../find/find-connections.ts';
import { ServiceUnreachable } from '../server-errors.ts';
import type { ServiceName, ServicesConfig } from '../services.ts';
import { probePostgresql, probeRedis, probeTemporal, withPostgresql } from './probes.ts';
import { replacedSentence } from './replaced.ts';

/**
 * Has a configured server do real work and returns one line about it. Throws ServiceUnreachable if it does not answer
 * or lacks what Muster needs.
 */
export async function checkConfigured(config: ServicesConfig, service: ServiceName): Promise<string> {
  const address = configuredAddress(config, service) ?? '';
  try {
    const facts = await CHECKS[service](config);
    const replaced = await replacedSentence(config, service);
    return replaced === null ? facts : `${facts}; ${replaced}`;
  } catch (error) {
    const replaced = await replacedSentence(config, service);
    const said = errorClause(error);
    const reason = `${said}.${replaced === null ? '' : ` Note that ${replaced}.`}`;
    throw new ServiceUnreachable(service, { address, reason, compose: config.compose === true }, error);
  }
}

const CHECKS: Readonly<Record<ServiceName, (config: ServicesConfig) => Promise<string>>> = {
  postgresql: async (config) => describePostgresql(config.databaseUrl ?? ''),
  redis: async (config) => describeRedis(config.redisUrl ?? ''),
  temporal: async ({ temporalAddress, temporalNamespace, temporalConnectionOptions = {} }) => {
    const target = { address: temporalAddress ?? '', connectionOptions: temporalConnectionOptions };
    return describeTemporal({ ...target, namespace: temporalNamespace });
  },
};

/** One line about a PostgreSQL; rejects if it is too old, accepts no writes or lacks pgvector. */
export async function describePostgresql(url: string): Promise<string> {
  const { version, vectorVersion, isReplica, isReadOnly } = await probePostgresql(url);
  if (Number.parseInt(version, 10) < 15) throw new Error(`it is version ${version}, and Muster needs 15 or newer`);
  if (isReplica) throw new Error('it is a replica, which takes no writes: Muster needs the primary');
  if (isReadOnly) {
    throw new Error('it takes no writes: default_transaction_read_only is on for the server, the database or the role');
  }
  if (vectorVersion === null) {
    throw new Error('its database lacks pgvector: have a superuser run `create extension vector` in it');
  }
  return `version ${version}, pgvector ${vectorVersion}`;
}

/** One line about a Redis; rejects if it is too old or accepts no writes. */
export async function describeRedis(url: string): Promise<string> {
  const { version, maxmemoryPolicy, refusesWrites } = await probeRedis(url);
  if (Number.parseInt(version, 10) < 7) throw new Error(`it is version ${version}, and Muster needs 7 or newer`);
  if (refusesWrites !== null) throw new Error(`it takes no writes: ${refusesWrites}`);
  return `version ${version}${maxmemoryPolicy === null ? '' : `, maxmemory-policy ${maxmemoryPolicy}`}`;
}

export async function describeTemporal(target: Parameters<typeof probeTemporal>[0]): Promise<string> {
  const { version, namespace } = await probeTemporal(target);
  return `version ${version}, namespace ${namespace}`;
}

/** Creates pgvector's extension in a configured database if the owner may; otherwise the next check reports it. */
export async function tryCreateVector(config: ServicesConfig): Promise<void> {
  const url = config.ownerUrl ?? config.databaseUrl ?? '';
  await withPostgresql(url, (client) => client.query('create extension if not exists vector')).catch(() => undefined);
}
