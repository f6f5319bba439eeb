import { chownSync, existsSync, renameSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import type pg from 'pg';
import { DATABASE_NAME, LOOPBACK, type PostgresqlSecrets, postgresqlUrl, ROLE_NAMES } from '../find/own-addresses.ts';
import { removeWhole } from '../find/state-folder.ts';
import { lastLine, runCommand } from '../install/commands.ts';
import { withPostgresql } from '../probe/probes.ts';
import { type LaunchedServer, type LaunchPlan, launch } from './processes.ts';
import { createServerFolder } from './server-user.ts';

/**
 * Creates the cluster in `plan.dataFolder` if it is missing. An incomplete cluster is never used: it is created under
 * another name and then renamed. Rejects with a sentence.
 */
export async function initializePostgresql(
  plan: LaunchPlan,
  { secrets, durability }: { secrets: PostgresqlSecrets; durability: Durability },
): Promise<void> {
  if (existsSync(join(plan.dataFolder, 'PG_VERSION'))) return;
  const draft = `${plan.dataFolder}.new`;
  removeWhole(draft);
  createServerFolder(dirname(plan.dataFolder), plan.user);
  const passwordFile = `${draft}.password`;
  writeFileSync(passwordFile, secrets.superuser, { mode: 0o600 });
  if (plan.user !== null) chownSync(passwordFile, plan.user.uid, plan.user.gid);
  try {
    const args = ['--pgdata', draft, '--pwfile', passwordFile, '--username', ROLE_NAMES.superuser];
    args.push('--auth', 'scram-sha-256', '--encoding', 'UTF8', '--no-instructions');
    if (durability === 'fast') args.push('--no-sync');
    args.push('--locale', process.platform === 'linux' ? 'C.UTF-8' : 'C');
    const initdb = join(dirname(plan.program.path), 'initdb');
    const made = await runCommand(initdb, args, { cwd: dirname(draft), user: plan.user });
    if (made.exitCode !== 0) throw new Error(`initdb said: ${lastLine(made.output)}`);
    renameSync(draft, plan.dataFolder);
  } finally {
    removeWhole(passwordFile);
  }
}

/** How a cluster treats its disk: `durable` survives a power cut, `fast` only the end of its own process. */
export type Durability = 'durable' | 'fast';

/** Starts the server of an initialized cluster: loopback only, no socket file, every commit durable. */
export function launchPostgresql(plan: LaunchPlan, durability: Durability): LaunchedServer {
  const settings: Record<string, string | number> = {
    port: plan.port,
    listen_addresses: LOOPBACK,
    // Socket paths have a length limit that a deep state folder would exceed.
    unix_socket_directories: '',
    max_connections: 200,
    shared_buffers: `${sharedBuffersMb()}MB`,
    synchronous_commit: 'on',
    wal_compression: 'on',
    max_wal_size: '2GB',
    // Loopback servers use local disks, where a random read costs little more than a sequential one.
    random_page_cost: 1.1,
    log_line_prefix: '%m [%p] ',
    ...(durability === 'fast' ? { fsync: 'off', full_page_writes: 'off' } : {}),
  };
  const args = ['-D', plan.dataFolder];
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);
  return launch({ command: plan.program.path, args, logPath: plan.logPath, cwd: plan.dataFolder, user: plan.user });
}

/** The manual recommends a quarter of the memory; a developer's machine has better uses for more than 512 MB. */
function sharedBuffersMb(): number {
  return Math.max(32, Math.min(512, Math.floor(totalmem() / 4 / 1024 / 1024)));
}

/** Whether the running server could create the extension `vector`. */
export function offersVector(superuserUrl: string): Promise<boolean> {
  return withPostgresql(superuserUrl, async (client) => {
    const { rowCount } = await client.query("select 1 from pg_available_extensions where name = 'vector'");
    return rowCount === 1;
  });
}

/** Creates the roles and the database with its extension. Repeating it changes nothing. */
export async function preparePostgresql(port: number, secrets: PostgresqlSecrets): Promise<void> {
  const server = { port, secrets };
  await withPostgresql(postgresqlUrl(server, 'superuser', 'postgres'), async (client) => {
    await ensureRole(client, `${ROLE_NAMES.owner} login createrole`, secrets.owner);
    await ensureRole(client, `${ROLE_NAMES.application} login noinherit`, secrets.application);
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [DATABASE_NAME]);
    if (rowCount === 0) await client.query(`create database ${DATABASE_NAME} owner ${ROLE_NAMES.owner}`);
  });
  await createVectorExtension(postgresqlUrl(server, 'superuser'));
}

/** Creates the extension `vector` in one database. Only a superuser may. */
export function createVectorExtension(superuserUrl: string): Promise<void> {
  return withPostgresql(superuserUrl, async (client) => {
    await client.query('create extension if not exists vector');
  });
}

async function ensureRole(client: pg.Client, definition: string, password: string): Promise<void> {
  const name = definition.split(' ')[0] ?? definition;
  const { rowCount } = await client.query('select 1 from pg_roles where rolname = $1', [name]);
  if (rowCount === 0) await client.query(`create role ${definition} password ${client.escapeLiteral(password)}`);
}
