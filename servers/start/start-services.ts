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

/** The longest set-up builds Temporal and downloads packages over a slow line. */
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
 * Brings up all three services side by side and returns their addresses. Those that are up already are left as they
 * are, so repeating it is quick; a second process that calls it meanwhile waits and finds them up. Where some fail, the
 * others stay up. Throws ServiceStartFailed, ServiceUnreachable, ServicesNotReady (more than one) or SetUpLocked.
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
  // What keeps all three from starting is said once.
  const failures = rejected.filter(
    (one, index) => rejected.findIndex(({ message }) => message === one.message) === index,
  );
  const [first, ...others] = failures;
  if (first === undefined) return;
  const advice = failures.some(isMissingProgram) ? byHand(await thisSystem()) : null;
  throw others.length === 0 && advice === null ? first : new ServicesNotReady(failures, advice);
}

/** Whether a program that only the system's packages have is not there. Temporal has a way of its own. */
function isMissingProgram(failure: Error): boolean {
  return failure instanceof ServiceStartFailed && failure.step === 'install' && failure.service !== 'temporal';
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

/**
 * Ends exactly the servers that Muster started, in order and keeping their data, and returns the state of all three.
 * A server that Muster did not start is never touched; the containers of `compose.yaml` are left, and no longer taken. Repeating it changes nothing. `report` is told where another
 * set-up is waited for. Throws SetUpLocked.
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
