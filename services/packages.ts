import { findProgram, lastLine, runCommand } from './commands.ts';

/** Why system packages cannot be installed here; each is a whole sentence. */
const REASONS = {
  forbidden: 'MUSTER_NO_INSTALL=1 forbids installing system packages.',
  noManager: 'This system has no apt-get, the only package manager that Muster drives.',
  notAllowed: 'Installing system packages needs root, or sudo without a password.',
} as const;

/**
 * Runs apt-get so that no package starts a server: Debian's packages start theirs on the usual ports right after they
 * are unpacked. The policy file that forbids it is removed afterwards, also when the script is interrupted; a policy of
 * the administrator's own is left alone.
 */
const INSTALL_SCRIPT = `
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ] || grep -q 'by muster' "$policy"; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 130' INT TERM HUP
  printf '#!/bin/sh\\n# placed by muster while it installs packages\\nexit 101\\n' > "$policy"
  chmod 755 "$policy"
fi
DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=300 -- "$@"
`;

let listsAreFresh: Promise<void> | null = null;
let installing: Promise<void> = Promise.resolve();

/** The command prefix that makes a program run as root: empty for root, `sudo -n` where that works, `null` otherwise. */
export async function rootPrefix(): Promise<readonly string[] | null> {
  if (process.getuid?.() === 0) return [];
  const sudo = await findProgram('sudo');
  if (sudo === null) return null;
  const { exitCode } = await runCommand(sudo, ['-n', 'true'], { timeoutMs: 5_000 });
  return exitCode === 0 ? [sudo, '-n'] : null;
}

/** Runs a program as root. Rejects with its last line where it fails, or with the reason why it may not run. */
export async function runAsRoot(command: string, args: readonly string[]): Promise<void> {
  const prefix = await rootPrefix();
  if (prefix === null) throw new Error(REASONS.notAllowed);
  const [program = command, ...rest] = [...prefix, command, ...args];
  const { exitCode, output } = await runCommand(program, rest);
  if (exitCode !== 0) throw new Error(`${command} failed: ${lastLine(output)}`);
}

/** Rejects with a sentence where system packages cannot be installed at all. */
export async function assertMayInstall(noInstall: boolean): Promise<void> {
  if (noInstall) throw new Error(REASONS.forbidden);
  if ((await findProgram('apt-get')) === null) throw new Error(REASONS.noManager);
  if ((await rootPrefix()) === null) throw new Error(REASONS.notAllowed);
}

/** The package lists are brought up to date once in a process, by whoever needs them first. */
export function refreshPackageLists(): Promise<void> {
  listsAreFresh ??= runAsRoot('apt-get', ['update', '-o', 'DPkg::Lock::Timeout=300']);
  return listsAreFresh;
}

/** Whether the system's sources offer this package. */
export async function isPackageOffered(name: string): Promise<boolean> {
  await refreshPackageLists();
  const { output } = await runCommand('apt-cache', ['policy', name]);
  const candidate = /Candidate: (\S+)/.exec(output)?.[1];
  return candidate !== undefined && candidate !== '(none)';
}

/**
 * Installs system packages, without starting what they bring. Installations of one process go one after another, since
 * the package manager takes one at a time. `announce` is told each name before anything is installed.
 */
export function installPackages(names: readonly string[], announce: (text: string) => void): Promise<void> {
  const turn = installing.then(async () => {
    await refreshPackageLists();
    const missing: string[] = [];
    for (const name of names) if (!(await isInstalled(name))) missing.push(name);
    if (missing.length === 0) return;
    for (const name of missing) announce(`installing the system package ${name}`);
    await runAsRoot('/bin/sh', ['-c', INSTALL_SCRIPT, 'install', ...missing]);
  });
  installing = turn.catch(() => undefined);
  return turn;
}

async function isInstalled(name: string): Promise<boolean> {
  const { output } = await runCommand('dpkg-query', ['--show', '--showformat', '$' + '{db:Status-Status}', name]);
  return output === 'installed';
}
