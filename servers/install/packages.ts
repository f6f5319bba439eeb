import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOrNull, removeWhole } from '../find/state-folder.ts';
import { findProgram, lastLine, runCommand } from './commands.ts';
import { runningServers, type ServerUpgrade, usedUpgrades } from './servers-in-use.ts';

/** Why system packages cannot be installed here; each is a whole sentence. */
const REASONS = {
  forbidden: 'MUSTER_NO_INSTALL=1 forbids installing system packages.',
  noManager: 'This system has no apt-get, the only package manager that Muster drives.',
  notAllowed: 'Installing system packages needs root, or sudo without a password.',
} as const;

/** What an installation may do. */
export interface InstallRules {
  /** Forbids system packages to be installed. */
  noInstall: boolean;
  /** Allows an installation to upgrade a server that is in use. */
  allowUpgrade: boolean;
}

/** `announce` is told each name before anything is installed. */
export type InstallOptions = InstallRules & { announce: (text: string) => void };

/** Includes a download over a slow line; ending a package manager half-way would leave the system broken. */
const INSTALL_TIMEOUT_MS = 60 * 60_000;

/** The options of every call of apt-get: its output is read, and nothing else changes. */
const APT = ['DEBIAN_FRONTEND=noninteractive', 'LC_ALL=C.UTF-8', 'apt-get', '-o', 'DPkg::Lock::Timeout=300'];
const INSTALL = [
  ...['install', '--yes', '--no-install-recommends', '--no-remove'],
  // Otherwise a newer library would pull in a newer server from the same source package.
  ...['-o', 'APT::Get::Upgrade-By-Source-Package=false'],
];

/** The tools with which packages start and stop their servers. */
const SERVICE_TOOLS = ['invoke-rc.d', 'deb-systemd-invoke'];
const PACKAGE_SCRIPTS_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The file with which an administrator forbids packages to start servers. Muster 0.1 wrote it, and left it behind when
 * it was killed.
 */
const POLICY = '/usr/sbin/policy-rc.d';
const POLICY_OF_MUSTER = '#!/bin/sh\n# placed by muster while it installs packages\nexit 101\n';

let listsAreFresh: Promise<string | null> | null = null;
let installing: Promise<void> = Promise.resolve();

/** The command prefix that runs a program as root: empty for root, `sudo -n` if that works, `null` otherwise. */
async function rootPrefix(): Promise<readonly string[] | null> {
  if (process.getuid?.() === 0) return [];
  const sudo = await findProgram('sudo');
  if (sudo === null) return null;
  const { exitCode } = await runCommand(sudo, ['-n', 'true'], { timeoutMs: 5_000 });
  return exitCode === 0 ? [sudo, '-n'] : null;
}

/** Runs a program as root. Rejects with its last line if it fails, or with the reason why it may not run. */
export async function runAsRoot(command: string, args: readonly string[]): Promise<void> {
  const prefix = await rootPrefix();
  if (prefix === null) throw new Error(REASONS.notAllowed);
  const [program = command, ...rest] = [...prefix, command, ...args];
  const { exitCode, output } = await runCommand(program, rest, { timeoutMs: INSTALL_TIMEOUT_MS });
  const name = command === 'env' ? 'apt-get' : command;
  if (exitCode !== 0) throw new Error(`${name} failed: ${lastLine(output)}`);
}

/** Rejects with a sentence if system packages cannot be installed. */
export async function assertMayInstall({ noInstall }: InstallRules): Promise<void> {
  if (noInstall) throw new Error(REASONS.forbidden);
  if ((await findProgram('apt-get')) === null) throw new Error(REASONS.noManager);
  if ((await rootPrefix()) === null) throw new Error(REASONS.notAllowed);
}

/**
 * Updates the package lists, once per process. A source that does not answer is not fatal: the old lists may be enough.
 * Resolves with the failure, or `null`.
 */
function refreshPackageLists(): Promise<string | null> {
  listsAreFresh ??= runAsRoot('env', [...APT, 'update']).then(
    () => null,
    (error: Error) => error.message,
  );
  return listsAreFresh;
}

export async function isPackageOffered(name: string): Promise<boolean> {
  await refreshPackageLists();
  const { output } = await runCommand('env', ['LC_ALL=C.UTF-8', 'apt-cache', 'policy', name]);
  const candidate = /Candidate: (\S+)/.exec(output)?.[1];
  return candidate !== undefined && candidate !== '(none)';
}

/**
 * Installs system packages without starting their servers. Simulates first: an installation that would upgrade a server
 * in use is refused with a sentence, unless `allowUpgrade`; one that would remove a package is always refused.
 * Installations of one process run one after another, because the package manager allows one at a time.
 */
export function installPackages(names: readonly string[], options: InstallOptions): Promise<void> {
  const turn = installing.then(() => installNow(names, options));
  installing = turn.catch(() => undefined);
  return turn;
}

async function installNow(names: readonly string[], { allowUpgrade, announce }: InstallOptions): Promise<void> {
  const staleLists = await refreshPackageLists();
  const missing: string[] = [];
  for (const name of names) if (!(await isInstalled(name))) missing.push(name);
  if (missing.length === 0) return;
  const used = usedUpgrades(await simulate(missing, staleLists));
  if (used.length > 0 && !allowUpgrade) throw new Error(upgradeSentence(missing, used));
  for (const name of missing) announce(`installing the system package ${name}`);
  for (const { name, from, to } of used)
    announce(`upgrading ${name} from ${from} to ${to}, as MUSTER_ALLOW_UPGRADE=1 says`);
  await removeLeftPolicy();
  // A server that is upgraded while it runs must be restarted by its package.
  if (used.length > 0) await runAsRoot('env', [...APT, ...INSTALL, '--', ...missing]);
  else await withoutStartingServers((path) => runAsRoot('env', [...APT, '-o', path, ...INSTALL, '--', ...missing]));
  if (used.length > 0) for (const sentence of replacedSentences()) announce(sentence);
}

/** The upgrades that the installation would make. Rejects if it is impossible. */
async function simulate(names: readonly string[], staleLists: string | null): Promise<ServerUpgrade[]> {
  const { exitCode, output } = await runCommand('env', [...APT, ...INSTALL, '--simulate', '--', ...names]);
  if (exitCode !== 0) {
    const lists = staleLists === null ? '' : ` The package lists are old, too: ${staleLists}`;
    throw new Error(`${names.join(', ')} cannot be installed, apt-get says: ${lastLine(output)}${lists}`);
  }
  const lines = output.matchAll(/^Inst (?<name>\S+) \[(?<from>\S+)\] \((?<to>\S+)/gm);
  return [...lines].map(({ groups: { name = '', from = '', to = '' } = {} }) => ({ name, from, to }));
}

function upgradeSentence(names: readonly string[], used: readonly (ServerUpgrade & { use: string })[]): string {
  const upgrades = used.map(({ name, from, to, use }) => `${name} from ${from} to ${to}, and ${use}`).join('; ');
  const sudo = process.getuid?.() === 0 ? '' : 'sudo ';
  return (
    `installing ${names.join(', ')} would upgrade ${upgrades}. Muster does not upgrade a server in use unless it is told to: ` +
    `run \`${sudo}apt-get install ${names.join(' ')}\` when it suits you, or set MUSTER_ALLOW_UPGRADE=1.`
  );
}

function replacedSentences(): string[] {
  return runningServers()
    .filter(({ replaced }) => replaced === true)
    .map(({ pid, name }) => `${name} (process ${pid}) still runs the program from before the upgrade; restart it`);
}

/**
 * Debian's packages start their servers on the usual ports right after they are unpacked. During the installation they
 * find tools in a folder of ours that do nothing; if Muster is killed, nothing remains that affects the system.
 */
async function withoutStartingServers(install: (option: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'muster-install-'));
  try {
    chmodSync(folder, 0o755);
    for (const tool of SERVICE_TOOLS) {
      writeFileSync(join(folder, tool), '#!/bin/sh\n# Muster installs packages: no server starts or stops.\nexit 0\n', {
        mode: 0o755,
      });
    }
    await install(`DPkg::Path=${folder}:${PACKAGE_SCRIPTS_PATH}`);
  } finally {
    removeWhole(folder);
  }
}

/** Removes the policy that an older Muster left behind when it was killed, and no other. */
export async function removeLeftPolicy(path: string = POLICY): Promise<void> {
  if (readOrNull(path) === POLICY_OF_MUSTER) await runAsRoot('rm', ['-f', path]);
}

async function isInstalled(name: string): Promise<boolean> {
  const { output } = await runCommand('dpkg-query', ['--show', '--showformat', '$' + '{db:Status-Status}', name]);
  return output === 'installed';
}
