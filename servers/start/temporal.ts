import { join } from 'node:path';
import { SEARCH_ATTRIBUTES } from '../../domain/system/search-attributes.ts';
import { LOOPBACK } from '../find/own-addresses.ts';
import { type LaunchedServer, type LaunchPlan, launch } from './processes.ts';

const TYPE_NAMES = { KEYWORD: 'Keyword', KEYWORD_LIST: 'KeywordList' } as const;

/** The search attributes that a Temporal server needs before Muster starts a workflow, each as `name=type`. */
export const SEARCH_ATTRIBUTE_SETTINGS = Object.values(SEARCH_ATTRIBUTES).map(
  ({ name, type }) => `${name}=${TYPE_NAMES[type]}`,
);

/** A visibility query that finds nothing and is valid only on a server that knows the search attributes. */
export const SEARCH_ATTRIBUTES_QUERY = Object.values(SEARCH_ATTRIBUTES)
  .map(({ name }) => `${name} = 'none'`)
  .join(' and ');

/** Settings of the development server. */
export const DYNAMIC_CONFIG = {
  // By default each step of a workflow waits about 100 ms for the next poll of this queue.
  'history.transferProcessorMaxPollRPS': 10_000,
  // Priority and fairness of task queues.
  'matching.useNewMatcher': true,
  'matching.enableFairness': true,
  // By default a timer, and so the retry of an activity, may be a second late: immediate retries took 2.1 s instead of
  // 0.1.
  'history.timerProcessorMaxTimeShift': '"50ms"',
} as const;

/** Settings of its database file. */
export const SQLITE_PRAGMAS = {
  journal_mode: 'WAL',
  synchronous: 'NORMAL',
  // Less frequent checkpoints saved 10 % of the server's CPU time for a run of five activities.
  wal_autocheckpoint: 10_000,
} as const;

/** Less frequent garbage collection saved another 5 to 10 % of the server's CPU time; memory is cheaper. */
export const GARBAGE_COLLECTION_PERCENT = 400;

/** Starts a development server with its Web UI on a file that survives `kill -9`. */
export function launchTemporal(plan: LaunchPlan, options: { uiPort: number; namespace: string }): LaunchedServer {
  const args = [`GOGC=${GARBAGE_COLLECTION_PERCENT}`, plan.program.path, 'server', 'start-dev'];
  args.push('--ip', LOOPBACK, '--port', String(plan.port));
  args.push('--headless=false', '--ui-port', String(options.uiPort), '--namespace', options.namespace);
  args.push('--db-filename', join(plan.dataFolder, 'temporal.db'));
  for (const [name, value] of Object.entries(SQLITE_PRAGMAS)) args.push('--sqlite-pragma', `${name}=${value}`);
  for (const [name, value] of Object.entries(DYNAMIC_CONFIG)) args.push('--dynamic-config-value', `${name}=${value}`);
  for (const setting of SEARCH_ATTRIBUTE_SETTINGS) args.push('--search-attribute', setting);
  // A user's profile for the command line must not change Muster's own server.
  args.push('--disable-config-env', '--disable-config-file');
  return launch({ command: '/usr/bin/env', args, logPath: plan.logPath, cwd: plan.dataFolder, user: plan.user });
}
