import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { errorMessage } from '../../domain/errors.ts';
import { configuredAddress } from '../find/find-connections.ts';
import { serversIn } from '../find/process-identity.ts';
import { CACHE_VARIABLE, makeUsable, type ServiceRecord } from '../find/state-folder.ts';
import { checkConfigured, tryCreateVector } from '../probe/configured.ts';
import { isReplaced, markOf, replacedSentence } from '../probe/replaced.ts';
import { FolderUnusable, ServiceStartFailed } from '../server-errors.ts';
import type { BeforeStep, Report, ServicesConfig, SetUpStep } from '../services.ts';
import { withLock } from './lock.ts';
import { choosePort } from './ports.ts';
import { endProcess, type ServiceProgram } from './processes.ts';
import type { ServerPorts, ServersContext, ServiceKind } from './server-kinds.ts';
import { waitUntilAnswers } from './wait-until-answers.ts';

/** A clean stop writes PostgreSQL's buffers to disk. */
export const STOP_GRACE_MS = 20_000;

export interface BringUpOptions {
  config: ServicesConfig;
  context: ServersContext;
  report: Report;
  beforeStep: BeforeStep;
}

/**
 * Starts services in parallel, in two phases, so that no package is installed under a server that has just started:
 * first each finds or installs its program, then each is launched and prepared. A failed service is not ready and
 * reports its step and the reason; the others continue, and a further call repeats only what is missing.
 */
export async function bringUpAll(
  kinds: readonly ServiceKind[],
  options: BringUpOptions,
): Promise<PromiseSettledResult<void>[]> {
  const found = await Promise.allSettled(kinds.map((kind) => findWork(kind, options)));
  const finishAll = () =>
    Promise.allSettled(
      found.map((result) => (result.status === 'fulfilled' ? result.value.run() : Promise.reject(result.reason))),
    );
  const starts = found.some((result) => result.status === 'fulfilled' && result.value.starts);
  return starts ? oneAtATime(options, finishAll) : finishAll();
}

/** Longer than any server takes for its first answer. */
const LAUNCH_TIMEOUT_MS = 5 * 60_000;

/**
 * Keeps other set-ups of this user from starting servers meanwhile: a free port is taken only when the server listens,
 * and another project's server would answer instead of ours.
 */
async function oneAtATime<T>({ context, report }: BringUpOptions, work: () => Promise<T>): Promise<T> {
  const path = join(context.cacheFolder, 'launch.lock');
  if (!canWriteTo(context.cacheFolder)) return work();
  const onWait = ({ pid }: { pid: number }) =>
    report({ service: null, text: `waiting for another set-up that starts servers (process ${pid})` });
  return withLock({ path, timeoutMs: LAUNCH_TIMEOUT_MS, onWait }, work);
}

function canWriteTo(folder: string): boolean {
  try {
    makeUsable(folder, CACHE_VARIABLE);
    return true;
  } catch {
    return false;
  }
}

/** The remaining work for a service whose program exists. */
interface Work {
  /** Whether it launches a server. */
  starts: boolean;
  run: () => Promise<void>;
}

/**
 * Decides the remaining work for a service: check the configured one, continue with the one that Muster has started, or
 * start the program that now exists.
 */
async function findWork(kind: ServiceKind, options: BringUpOptions): Promise<Work> {
  const { config, context } = options;
  if (configuredAddress(config, kind.name) !== null) return { starts: false, run: () => check(kind, options) };
  const running = context.folder.aliveRecord(kind.name);
  if (running !== null && !(await endReplaced(kind, running, options))) {
    return { starts: false, run: () => finish(kind, running, options) };
  }
  const program = await obtain(kind, options);
  return { starts: true, run: async () => finish(kind, await start(kind, program, options), options) };
}

async function check(kind: ServiceKind, { config, report }: BringUpOptions): Promise<void> {
  if (kind.name === 'postgresql') await tryCreateVector(config);
  await checkConfigured(config, kind.name);
  const replaced = await replacedSentence(config, kind.name);
  if (replaced !== null) report({ service: kind.name, text: replaced });
}

/**
 * Ends one of Muster's servers if its program was replaced on disk, because it would fail when it loads a library of
 * the new program. Returns whether it did.
 */
async function endReplaced(kind: ServiceKind, record: ServiceRecord, { report }: BringUpOptions): Promise<boolean> {
  if (!isReplaced(record)) return false;
  report({ service: kind.name, text: 'its program was replaced on disk since it started; restarting it' });
  return endProcess(record, kind.stopSignal, STOP_GRACE_MS);
}

/** Runs the steps up to a launched process, whose record is written before anything else can fail. */
async function start(kind: ServiceKind, program: ServiceProgram, options: BringUpOptions): Promise<ServiceRecord> {
  const { folder } = options.context;
  const announce = (text: string) => options.report({ service: kind.name, text });
  const ports = await choosePorts(kind, options);
  const plan = await step(kind, 'initialize', options, async () => {
    const made = kind.plan(program, ports);
    await assertUnserved(made.dataFolder);
    await kind.initialize(made);
    return made;
  });
  announce(`starting ${program.version} (${program.source}) on port ${ports.port}`);
  return step(kind, 'launch', options, async () => {
    // Read before the launch, so that a program that is replaced meanwhile counts as replaced.
    const mark = markOf(program.path);
    const { identity } = kind.launch(plan, ports);
    const record = { ...newRecord(program, ports, identity), program: { path: program.path, mark } };
    folder.remember(kind.name, record);
    return record;
  });
}

async function obtain(kind: ServiceKind, options: BringUpOptions): Promise<ServiceProgram> {
  const found = await step(kind, 'find', options, () => kind.find());
  if (found !== null) return found;
  return step(kind, 'install', options, () => kind.install((text) => options.report({ service: kind.name, text })));
}

/** Tries the last ports first, so that saved addresses stay valid; then the usual ones. */
async function choosePorts(kind: ServiceKind, { context, report }: BringUpOptions): Promise<ServerPorts> {
  const { port, uiPort } = kind.usualPorts;
  const last = context.folder.lastPorts(kind.name);
  const ports = {
    port: await choosePort(last?.port ?? port),
    uiPort: uiPort === null ? null : await choosePort(last?.uiPort ?? uiPort),
  };
  if (last !== null && last.port !== ports.port) {
    const text = `its last port ${last.port} is taken by another program; workers and clients that still run must be started again`;
    report({ service: kind.name, text });
  }
  return ports;
}

/** How long the child processes of a killed server may take to end. */
const HELPERS_GRACE_MS = 5_000;

/** Two servers would destroy the same data. Throws if one runs that is not in the records. */
async function assertUnserved(dataFolder: string): Promise<void> {
  const deadline = Date.now() + HELPERS_GRACE_MS;
  for (;;) {
    const pids = serversIn(dataFolder);
    if (pids.length === 0) return;
    if (Date.now() > deadline) {
      throw new Error(
        `an unknown server uses ${dataFolder}. End it with \`kill -INT ${pids.join(' ')}\`, then run \`muster up\` again.`,
      );
    }
    await pause(100);
  }
}

function newRecord(program: ServiceProgram, ports: ServerPorts, identity: LaunchedIdentity): ServiceRecord {
  const { source, version } = program;
  return { ...identity, ...ports, source, version, startedAt: new Date().toISOString(), ready: false };
}

type LaunchedIdentity = Pick<ServiceRecord, 'pid' | 'processStartedAt'>;

/** Waits for the first answer and prepares the server. Ends a server that never answers. */
async function finish(kind: ServiceKind, record: ServiceRecord, options: BringUpOptions): Promise<void> {
  const { folder } = options.context;
  const logPath = folder.logPath(kind.name);
  try {
    await step(kind, 'answer', options, () =>
      waitUntilAnswers(() => kind.answer(record), { identity: record, logPath, timeoutMs: kind.answerTimeoutMs }),
    );
  } catch (error) {
    if (!record.ready) await endProcess(record, kind.stopSignal, 2_000);
    throw error;
  }
  if (record.ready) return;
  await step(kind, 'prepare', options, () => kind.prepare(record));
  folder.remember(kind.name, { ...record, ready: true });
  options.report({ service: kind.name, text: 'ready' });
}

/** Runs one step and turns every error into one that names the step. */
async function step<T>(
  kind: ServiceKind,
  name: SetUpStep,
  options: BringUpOptions,
  work: () => Promise<T>,
): Promise<T> {
  try {
    await options.beforeStep(kind.name, name);
    return await work();
  } catch (error) {
    if (error instanceof FolderUnusable) throw error;
    const remedy = name === 'find' || name === 'install' || name === 'prepare' ? ` ${kind.remedy}` : '';
    throw new ServiceStartFailed(kind.name, { step: name, reason: `${errorMessage(error)}${remedy}` }, error);
  }
}
