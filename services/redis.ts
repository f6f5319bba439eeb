import { LOOPBACK } from './ports.ts';
import { launch } from './processes.ts';
import type { LaunchedServer, LaunchPlan } from './service-program.ts';

/** URL of a Redis that Muster started. */
export function redisUrl(port: number): string {
  return `redis://${LOOPBACK}:${port}`;
}

/**
 * Starts a Redis that writes nothing to disk: whatever it holds is rebuilt from PostgreSQL. It refuses writes rather
 * than evict keys when memory is short, because an evicted job would wait until the next reconciliation.
 */
export function launchRedis(plan: LaunchPlan): LaunchedServer {
  const settings = {
    port: plan.port,
    bind: LOOPBACK,
    'protected-mode': 'yes',
    save: '',
    appendonly: 'no',
    'maxmemory-policy': 'noeviction',
    dir: plan.dataFolder,
    daemonize: 'no',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return launch({ command: plan.program.path, args, logPath: plan.logPath, cwd: plan.dataFolder, user: plan.user });
}
