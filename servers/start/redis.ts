import { join } from 'node:path';
import { LOOPBACK } from '../find/own-addresses.ts';
import { writeAtomically } from '../find/state-folder.ts';
import { launch } from './processes.ts';
import type { LaunchedServer, LaunchPlan } from './service-program.ts';

/**
 * Starts a Redis that writes nothing to disk: everything that it holds is rebuilt from PostgreSQL. It refuses writes rather
 * than evict keys when memory is short, because an evicted job would wait until the next reconciliation. Its settings
 * are in a file that only the user can read: everybody on the machine sees what a program is called with.
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

/** As the settings file wants a text that may hold spaces and quotes, such as the name of a folder. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n')}"`;
}
