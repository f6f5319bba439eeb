import { statfs } from 'node:fs/promises';
import { errorMessage } from '../../domain/errors.ts';
import { isNodeTooOld, OLDEST_NODE } from '../../domain/system/required-node.ts';
import { withCompose } from '../find/compose-servers.ts';
import { configuredAddress, findConnections } from '../find/find-connections.ts';
import { StateFolder } from '../find/state-folder.ts';
import { type Connections, SERVICE_NAMES, SERVICE_TITLES, type ServiceName, type ServicesConfig } from '../services.ts';
import { isPortFree } from '../start/ports.ts';
import { ownServersContext, serviceKinds } from '../start/server-kinds.ts';
import { SEARCH_ATTRIBUTES_QUERY } from '../start/temporal.ts';
import { probePostgresql, probeRedis, probeTemporal } from './probes.ts';

export interface DoctorCheck {
  name: string;
  ok: boolean;
  /** What was found. */
  detail: string;
  /** What to do; `null` if nothing. */
  remedy: string | null;
}

/** PostgreSQL and Temporal stop badly when the disk is full. */
const LEAST_FREE_BYTES = 1024 ** 3;

/** Leases and due times take seconds; a larger difference makes them visibly early or late. */
const LARGEST_CLOCK_DIFFERENCE_MS = 1_000;

/** Checks the machine and the running services, beyond `serviceStatuses`. Never rejects: a failed check is not ok. */
export async function examine(given: ServicesConfig): Promise<DoctorCheck[]> {
  const config = withCompose(given, new StateFolder(given.stateDir));
  const connections = await findConnections(config).catch(() => null);
  const ofMachine = [
    checkNode(),
    guarded('disk', () => checkDisk(config)),
    ...SERVICE_NAMES.map((name) => checkPort(name, config)),
  ];
  const ofServices = connections === null ? [] : serviceChecks(connections, config);
  const checks = await Promise.all([...ofMachine, ...ofServices]);
  return checks.filter((check) => check !== null);
}

function serviceChecks(connections: Connections, config: ServicesConfig): Promise<DoctorCheck>[] {
  const { databaseUrl, redisUrl } = connections;
  return [
    guarded('database role', () => checkRole(databaseUrl)),
    guarded('redis memory policy', () => checkRedis(redisUrl)),
    guarded('search attributes', () => checkSearchAttributes(connections, config)),
    guarded('clock of PostgreSQL', async () =>
      checkClock('PostgreSQL', async () => (await probePostgresql(databaseUrl)).now),
    ),
    guarded('clock of Redis', async () => checkClock('Redis', async () => (await probeRedis(redisUrl)).now)),
  ];
}

async function guarded(name: string, work: () => Promise<DoctorCheck>): Promise<DoctorCheck> {
  try {
    return await work();
  } catch (error) {
    const remedy = 'Run `muster status` and repair what it names.';
    return { name, ok: false, detail: `could not be checked: ${errorMessage(error)}`, remedy };
  }
}

async function checkNode(): Promise<DoctorCheck> {
  const found = process.versions.node;
  const ok = !isNodeTooOld(found);
  const remedy = ok ? null : `Install Node ${OLDEST_NODE.join('.')} or newer.`;
  return { name: 'node', ok, detail: `version ${found}`, remedy };
}

async function checkDisk(config: ServicesConfig): Promise<DoctorCheck> {
  const folder = new StateFolder(config.stateDir);
  const { path } = folder;
  folder.create();
  const { bavail, bsize } = await statfs(path);
  const ok = bavail * bsize >= LEAST_FREE_BYTES;
  const remedy = ok ? null : `Free space on the disk of ${path}, or set MUSTER_STATE_DIR to a folder on another one.`;
  return { name: 'disk', ok, detail: `${((bavail * bsize) / 1024 ** 3).toFixed(1)} GB free for ${path}`, remedy };
}

/** Matters only before one of Muster's own servers starts: if its usual port is taken, it uses another. */
async function checkPort(name: ServiceName, config: ServicesConfig): Promise<DoctorCheck | null> {
  const context = ownServersContext(config);
  if (configuredAddress(config, name) !== null || context.folder.aliveRecord(name) !== null) return null;
  const { port } = serviceKinds(context)[name].usualPorts;
  const free = await isPortFree(port);
  const detail = free ? `${port} is free` : `${port} is taken by another program; Muster will use a free one`;
  return { name: `port of ${SERVICE_TITLES[name]}`, ok: true, detail, remedy: null };
}

async function checkRole(databaseUrl: string): Promise<DoctorCheck> {
  const { role, bypassesRowSecurity, ownsDatabase } = await probePostgresql(databaseUrl);
  const name = 'database role';
  if (!bypassesRowSecurity && !ownsDatabase) {
    return { name, ok: true, detail: `${role} is bound by row-level security`, remedy: null };
  }
  const fault = bypassesRowSecurity ? 'bypasses row-level security' : 'owns the database';
  const remedy =
    'Point MUSTER_DATABASE_URL at a role that is neither superuser nor owner, and MUSTER_DATABASE_OWNER_URL at the owner.';
  return { name, ok: false, detail: `${role} ${fault}, so the database does not isolate tenants`, remedy };
}

async function checkRedis(redisUrl: string): Promise<DoctorCheck> {
  const { maxmemoryPolicy } = await probeRedis(redisUrl);
  const name = 'redis memory policy';
  if (maxmemoryPolicy === null) return { name, ok: true, detail: 'the server does not say', remedy: null };
  const ok = maxmemoryPolicy === 'noeviction';
  const remedy = ok ? null : 'Set maxmemory-policy to noeviction: evicted jobs wait until they are found missing.';
  return { name, ok, detail: maxmemoryPolicy, remedy };
}

async function checkSearchAttributes(connections: Connections, config: ServicesConfig): Promise<DoctorCheck> {
  const name = 'search attributes';
  const { temporalAddress: address, temporalConnectionOptions: connectionOptions } = connections;
  const target = { address, namespace: config.temporalNamespace, connectionOptions };
  try {
    await probeTemporal({ ...target, query: SEARCH_ATTRIBUTES_QUERY });
    return { name, ok: true, detail: 'registered', remedy: null };
  } catch (error) {
    const remedy = 'Run `muster up`: it registers them. On Temporal Cloud add them in its console first.';
    return { name, ok: false, detail: `Temporal does not know them: ${errorMessage(error)}`, remedy };
  }
}

async function checkClock(title: string, readClock: () => Promise<Date>): Promise<DoctorCheck> {
  const before = Date.now();
  const there = (await readClock()).getTime();
  const after = Date.now();
  // The server's clock was read during the round trip, so only a time outside it is a difference.
  const differenceMs = Math.max(0, before - there, there - after);
  const ok = differenceMs <= LARGEST_CLOCK_DIFFERENCE_MS;
  const remedy = ok ? null : 'Let NTP set the clocks of both machines.';
  return { name: `clock of ${title}`, ok, detail: `differs by ${Math.round(differenceMs)} ms`, remedy };
}
