import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { SecretsUnreadable } from '../server-errors.ts';
import type { ServiceName } from '../services.ts';
import { type StateFolder, writeAtomically } from './state-folder.ts';

/** The address on which all of Muster's own servers listen. */
export const LOOPBACK = '127.0.0.1';

export const DATABASE_NAME = 'muster';

/** The passwords of a cluster's three roles, in a file that only the user can read. */
export type PostgresqlSecrets = z.infer<typeof postgresqlFile>;

const password = z.string().min(1);
const postgresqlFile = z.object({ superuser: password, owner: password, application: password });
const redisFile = z.object({ password });

export type PostgresqlRole = keyof PostgresqlSecrets;

export const ROLE_NAMES: Readonly<Record<PostgresqlRole, string>> = {
  superuser: 'postgres',
  owner: 'muster_owner',
  application: 'muster',
};

/** The passwords of the cluster that belongs to this state folder. @throws SecretsUnreadable */
export function secretsOf(folder: StateFolder): PostgresqlSecrets {
  return postgresqlSecrets(folder.file('postgresql.secrets.json'));
}

/** Reads the passwords of a cluster, or creates them if the file does not exist. @throws SecretsUnreadable */
export function postgresqlSecrets(path: string): PostgresqlSecrets {
  if (existsSync(path)) return readSecrets(path);
  const secrets = { superuser: newPassword(), owner: newPassword(), application: newPassword() };
  writeAtomically(path, JSON.stringify(secrets));
  return secrets;
}

function readSecrets(path: string): PostgresqlSecrets {
  try {
    return postgresqlFile.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new SecretsUnreadable(path, error);
  }
}

function newPassword(): string {
  return randomBytes(24).toString('base64url');
}

/** URL of one database of a Muster cluster as one of its roles. */
export function postgresqlUrl(
  server: { port: number; secrets: PostgresqlSecrets },
  role: PostgresqlRole,
  database: string = DATABASE_NAME,
): string {
  return `postgres://${ROLE_NAMES[role]}:${server.secrets[role]}@${LOOPBACK}:${server.port}/${database}`;
}

export function redisSecrets(folder: StateFolder): string {
  return folder.file('redis.secrets.json');
}

/**
 * The password of the Redis that Muster started, or `null` if it has none: a Redis that an older Muster started has
 * none until its next start.
 */
export function redisPassword(path: string): string | null {
  try {
    return redisFile.parse(JSON.parse(readFileSync(path, 'utf8'))).password;
  } catch {
    return null;
  }
}

/** The password of the next start. It is created once and kept in a file that only the user can read. */
export function ensureRedisPassword(path: string): string {
  const kept = redisPassword(path);
  if (kept !== null) return kept;
  const made = newPassword();
  writeAtomically(path, JSON.stringify({ password: made }));
  return made;
}

export function redisUrl(port: number, password: string | null): string {
  return `redis://${password === null ? '' : `:${password}@`}${LOOPBACK}:${port}`;
}

export function ownRedisUrl(folder: StateFolder, port: number): string {
  return redisUrl(port, redisPassword(redisSecrets(folder)));
}

export function temporalAddress(port: number): string {
  return `${LOOPBACK}:${port}`;
}

export function temporalUiUrl(uiPort: number): string {
  return `http://${LOOPBACK}:${uiPort}`;
}

/** The address of one of Muster's own servers, without credentials. */
export function ownAddress(service: ServiceName, port: number): string {
  if (service === 'postgresql') return `postgres://${ROLE_NAMES.application}@${LOOPBACK}:${port}/${DATABASE_NAME}`;
  return service === 'redis' ? redisUrl(port, null) : temporalAddress(port);
}
