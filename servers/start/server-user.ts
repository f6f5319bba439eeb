import { createHash } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ServerUser } from './processes.ts';

/** The folder for data if the user of PostgreSQL cannot enter root's folders. */
const SYSTEM_DATA_FOLDER = '/var/lib/muster';

/**
 * The user that runs PostgreSQL: the current one, or `postgres` for root, which PostgreSQL refuses. Throws a sentence
 * if root finds no such user.
 */
export function postgresqlUser(): ServerUser | null {
  if (process.getuid?.() !== 0) return null;
  const entry = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name]) => name === 'postgres');
  if (entry === undefined) {
    throw new Error(
      'PostgreSQL refuses to run as root and there is no user "postgres". Add one, or run as another user.',
    );
  }
  return { uid: Number(entry[2]), gid: Number(entry[3]) };
}

/**
 * The folder for PostgreSQL's files: inside the state folder, or inside `/var/lib/muster` if `user` cannot enter that.
 * Different state folders never share one.
 */
export function postgresqlFolder(statePath: string, user: ServerUser | null): string {
  const [inside, outside] = possibleFolders(statePath);
  return keptFolder(statePath) ?? (user === null || canReach(statePath, user) ? inside : outside);
}

/** The data of an earlier start, with the major version of PostgreSQL that reads them; `null` if there are none. */
export function keptData(statePath: string): { folder: string; major: number } | null {
  const folder = keptFolder(statePath);
  if (folder === null) return null;
  const data = join(folder, 'data');
  return { folder: data, major: Number.parseInt(readFileSync(join(data, 'PG_VERSION'), 'utf8'), 10) };
}

/** Data stay where they are, even if the other folder has become usable meanwhile. */
function keptFolder(statePath: string): string | null {
  return possibleFolders(statePath).find((folder) => existsSync(join(folder, 'data', 'PG_VERSION'))) ?? null;
}

function possibleFolders(statePath: string): [inside: string, outside: string] {
  const name = createHash('sha256').update(statePath).digest('hex').slice(0, 12);
  return [join(statePath, 'postgresql'), join(SYSTEM_DATA_FOLDER, name, 'postgresql')];
}

/** Makes a folder that belongs to the server's user. */
export function createServerFolder(path: string, user: ServerUser | null): void {
  mkdirSync(path, { recursive: true, mode: 0o711 });
  if (user !== null) chownSync(path, user.uid, user.gid);
}

function canReach(path: string, user: ServerUser): boolean {
  for (let folder = path; folder !== dirname(folder); folder = dirname(folder)) {
    const stat = statSync(folder, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    const bit = stat.uid === user.uid ? 0o100 : stat.gid === user.gid ? 0o010 : 0o001;
    if ((stat.mode & bit) === 0) return false;
  }
  return true;
}
