import { join } from 'node:path';
import { LOOPBACK } from '../find/own-addresses.ts';
import { writeAtomically } from '../find/state-folder.ts';
import { type LaunchedServer, type LaunchPlan, launch } from './processes.ts';

/**
 * Starts a Redis that writes nothing to disk: all its data can be rebuilt from PostgreSQL. When memory is short it
 * refuses writes instead of evicting keys, because an evicted job would wait until the next reconciliation. Its
 * settings are in a file that only the user can read, because everybody on the machine can see command lines.
 */
export function launchRedis(plan: LaunchPlan, password: string): LaunchedServer {
  const settings = {
    port: String(plan.port),
    bind: LOOPBACK,
    'protected-mode': 'yes',
    requirepass: password,
    save: '',
    appendonly: 'no',
    'maxmemory-policy': 'noeviction',
    dir: plan.dataFolder,
    daemonize: 'no',
  };
  const file = join(plan.dataFolder, 'redis.conf');
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${quoted(value)}\n`);
  writeAtomically(file, lines.join(''));
  const { program, logPath, dataFolder, user } = plan;
  return launch({ command: program.path, args: [file], logPath, cwd: dataFolder, user });
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n')}"`;
}
