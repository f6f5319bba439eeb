import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder, readOrNull } from '../find/state-folder.ts';
import { findProgram } from './commands.ts';

/** The facts of this system that decide how to install packages. */
export interface System {
  platform: NodeJS.Platform;
  /** The text of `/etc/os-release`, or `null`. */
  release: string | null;
  /** Whether a program `sudo` is installed. */
  hasSudo: boolean;
  /** Whether there is a `compose.yaml`. */
  hasCompose: boolean;
}

/** The commands that install PostgreSQL with pgvector and Redis, as docs/operations.md lists them. */
const COMMANDS = {
  debian: "sudo apt-get update && sudo apt-get install -y '^postgresql-[0-9]+-pgvector$' redis-server",
  // Debian 12 has no package of pgvector, but the PostgreSQL project's repository has one.
  debian12:
    'sudo apt-get update && sudo apt-get install -y postgresql-common redis-server && ' +
    'sudo /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y && sudo apt-get install -y postgresql-17-pgvector',
  fedora: 'sudo dnf install -y postgresql-server pgvector valkey',
  macos: 'brew install postgresql@17 pgvector redis',
  wsl: 'wsl --install -d Debian',
} as const;

const COMPOSE = 'docker compose up -d --wait && npm start';
/** Temporal's SDK has no build for musl. */
const COMPOSE_ON_MUSL =
  'docker compose up -d --wait && docker run --rm -it --network host -v "$PWD:$PWD" -w "$PWD" node:24-bookworm-slim npm start';

export async function thisSystem(): Promise<System> {
  return {
    platform: process.platform,
    release: readOrNull('/etc/os-release'),
    hasSudo: (await findProgram('sudo')) !== null,
    hasCompose: existsSync(join(projectFolder(), 'compose.yaml')),
  };
}

/** Tells a person how to install what Muster could not: the commands for their system, or containers. */
export function byHand(system: System): string {
  const ways = waysOf(system);
  const lines = ways.map(([name, command]) => `  ${name}:\n    ${command}`);
  return ['Any one of these installs what is missing; then run the command again:', ...lines, MORE].join('\n');
}

const MORE = 'Other systems: docs/operations.md, "Manual installation".';

type Way = [name: string, command: string];

function waysOf(system: System): Way[] {
  const { platform, release, hasSudo } = system;
  const ids = idsOf(release);
  const isMusl = ids.includes('alpine');
  const packages = packagesOf(platform, ids, release ?? '');
  const byMuster = hasSudo && platform === 'linux' && ids.includes('debian') ? [MUSTER_WITH_SUDO] : [];
  const containers = system.hasCompose && platform !== 'win32' ? [containersOf(isMusl)] : [];
  return [...byMuster, ...packages, ...containers];
}

/** `sudo -v` asks for the password once; for some minutes Muster may then install by itself. */
const MUSTER_WITH_SUDO: Way = ['by Muster, where you may use sudo', 'sudo -v && npm start'];

function containersOf(isMusl: boolean): Way {
  return ['in containers', isMusl ? COMPOSE_ON_MUSL : COMPOSE];
}

/** The system's names for itself and for systems that it resembles. */
function idsOf(release: string | null): string[] {
  const values = [...(release ?? '').matchAll(/^ID(?:_LIKE)?=(.*)$/gm)].map(([, value = '']) => value);
  return values.flatMap((value) => value.replaceAll('"', '').split(' '));
}

function packagesOf(platform: NodeJS.Platform, ids: readonly string[], release: string): Way[] {
  const name = /^PRETTY_NAME="?([^"\n]*)/m.exec(release)?.[1] ?? 'Linux';
  if (platform === 'darwin') return [['by Homebrew', COMMANDS.macos]];
  if (platform === 'win32') return [['in a Linux installation, and from there as on Debian', COMMANDS.wsl]];
  if (ids.includes('fedora')) return [[`on ${name}`, COMMANDS.fedora]];
  if (!ids.includes('debian')) return [];
  const command = debianCommand(release);
  return command === null ? [] : [[`on ${name}`, command]];
}

/** `null` for releases whose Redis is too old. */
function debianCommand(release: string): string | null {
  const id = /^ID="?(\w+)/m.exec(release)?.[1];
  const version = Number(/^VERSION_ID="?([\d.]+)/m.exec(release)?.[1] ?? Number.NaN);
  if (id === 'debian' && version < 12) return null;
  if (id === 'debian' && version < 13) return COMMANDS.debian12;
  return id === 'ubuntu' && version < 24 ? null : COMMANDS.debian;
}
