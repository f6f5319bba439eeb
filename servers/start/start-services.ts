import { leaveCompose, withCompose } from '../find/compose-servers.ts';
import { findConnections } from '../find/find-connections.ts';
import { byHand, thisSystem } from '../install/by-hand.ts';
import { serviceStatuses } from '../probe/service-status.ts';
import { ServiceStartFailed, ServicesNotReady } from '../server-errors.ts';
import {
  type BeforeStep,
  type Connections,
  type Report,
  SERVICE_NAMES,
  type ServiceStatus,
  type ServicesConfig,
} from '../services.ts';
import { bringUpAll, STOP_GRACE_MS } from './bring-up.ts';
import { type LockOptions, withLock } from './lock.ts';
import { shortenLogs } from './logs.ts';
import { endProcess } from './processes.ts';
import { ownServersContext, type ServersContext, type ServiceKind, serviceKinds } from './server-kinds.ts';
import { type TakeOptions, takeCompose } from './take-compose.ts';

/** The longest set-up builds Temporal and downloads packages over a slow connection. */
const SET_UP_TIMEOUT_MS = 15 * 60_000;

export interface StartOptions {
  config: ServicesConfig;
  report: Report;
  /** Called before each step; a rejection makes the step fail. @defaultValue nothing */
  beforeStep?: BeforeStep;
  /** Other containers than those of this project's `compose.yaml`. */
  compose?: Pick<TakeOptions, 'file' | 'servers' | 'timeoutMs'>;
}

/**
 * Starts all three services in parallel and returns their addresses. Running services are left as they are, so
 * repeating it is quick; a second process that calls it meanwhile waits and finds them running. If some fail, the
 * others keep running. Throws ServiceStartFailed, ServiceUnreachable, ServicesNotReady (more than one) or SetUpLocked.
 */
export async function startServices(options: StartOptions): Promise<Connections> {
  const { report, beforeStep = () => undefined } = options;
  const context = ownServersContext(options.config);
  context.folder.create();
  await withLock(setUpLock(context, report), async () => {
    shortenLogs(context.folder);
    await takeCompose(options.config, { folder: context.folder, report, ...options.compose });
    const config = withCompose(options.config, context.folder);
    const kinds = serviceKinds(context);
    const wanted = SERVICE_NAMES.map((name) => kinds[name]);
    await throwFailures(await bringUpAll(wanted, { config, context, report, beforeStep }));
  });
  return findConnections(options.config);
}

function setUpLock({ folder }: ServersContext, report: Report): LockOptions {
  const onWait = ({ pid }: { pid: number }) =>
    report({ service: null, text: `waiting for another set-up (process ${pid})` });
  return { path: folder.lockPath, timeoutMs: SET_UP_TIMEOUT_MS, onWait };
}

async function throwFailures(results: readonly PromiseSettledResult<void>[]): Promise<void> {
  const rejected = results.filter((result) => result.status === 'rejected').map(({ reason }) => asError(reason));
  // A reason that all three share is reported once.
  const failures = rejected.filter(
    (one, index) => rejected.findIndex(({ message }) => message === one.message) === index,
  );
  const [first, ...others] = failures;
  if (first === undefined) return;
  const advice = failures.some(isMissingProgram) ? byHand(await thisSystem()) : null;
  throw others.length === 0 && advice === null ? first : new ServicesNotReady(failures, advice);
}

/** Whether a program is missing that only the system's packages have. Temporal is installed in another way. */
function isMissingProgram(failure: Error): boolean {
  return failure instanceof ServiceStartFailed && failure.step === 'install' && failure.service !== 'temporal';
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

/**
 * Shuts down exactly the servers that Muster started, keeps their data, and returns the state of all three. A server
 * that Muster did not start is never touched; the containers of `compose.yaml` keep running and are no longer used.
 * Repeating it changes nothing. Reports when it waits for another set-up. Throws SetUpLocked.
 */
export async function stopServices(config: ServicesConfig, report: Report = () => undefined): Promise<ServiceStatus[]> {
  const context = ownServersContext(config);
  context.folder.create();
  await withLock(setUpLock(context, report), async () => {
    const kinds = serviceKinds(context);
    await Promise.all(SERVICE_NAMES.map((name) => stopOne(kinds[name], context)));
  });
  const statuses = await serviceStatuses(config);
  leaveCompose(context.folder);
  return statuses;
}

async function stopOne(kind: ServiceKind, { folder }: ServersContext): Promise<void> {
  const record = folder.records()[kind.name];
  if (record === undefined) return;
  if (await endProcess(record, kind.stopSignal, STOP_GRACE_MS)) folder.remember(kind.name, null);
}
