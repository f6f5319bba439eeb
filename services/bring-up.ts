import { errorMessage } from '../domain/errors.ts';
import { checkConfigured, configuredAddress, tryCreateVector } from './configured.ts';
import { ServiceStartFailed } from './errors.ts';
import type { ServerPorts, ServersContext, ServiceKind } from './kinds.ts';
import { aliveRecord } from './own-servers.ts';
import { choosePort } from './ports.ts';
import { endProcess } from './processes.ts';
import { waitUntilAnswers } from './readiness.ts';
import type { ServiceProgram } from './service-program.ts';
import type { ServiceRecord } from './state.ts';
import type { BeforeStep, Report, ServicesConfig, SetUpStep } from './types.ts';

/** What bringing up any service needs. */
export interface BringUpOptions {
  config: ServicesConfig;
  context: ServersContext;
  report: Report;
  beforeStep: BeforeStep;
}

/**
 * Brings one service up: checks the configured one, goes on with the one that Muster has started, or starts one.
 * Whatever fails leaves the service not ready and says which step and why; calling it again goes on from there.
 */
export async function bringUp(kind: ServiceKind, options: BringUpOptions): Promise<void> {
  const { config, context } = options;
  if (configuredAddress(config, kind.name) !== null) {
    if (kind.name === 'postgresql') await tryCreateVector(config);
    await checkConfigured(config, kind.name);
    return;
  }
  const running = aliveRecord(context.folder, kind.name);
  await finish(kind, running ?? (await start(kind, options)), options);
}

/** Runs the steps up to a launched process, whose record is written before anything else can go wrong. */
async function start(kind: ServiceKind, options: BringUpOptions): Promise<ServiceRecord> {
  const { folder } = options.context;
  const announce = (text: string) => options.report({ service: kind.name, text });
  const program = await obtain(kind, options);
  const ports = await choosePorts(kind, folder.records()[kind.name]);
  const plan = await step(kind, 'initialize', options, async () => {
    const made = kind.plan(program, ports);
    await kind.initialize(made);
    return made;
  });
  announce(`starting ${program.version} (${program.source}) on port ${ports.port}`);
  return step(kind, 'launch', options, async () => {
    const { identity } = kind.launch(plan, ports);
    const record = newRecord(program, ports, identity);
    folder.remember(kind.name, record);
    return record;
  });
}

async function obtain(kind: ServiceKind, options: BringUpOptions): Promise<ServiceProgram> {
  const found = await step(kind, 'find', options, () => kind.find());
  if (found !== null) return found;
  return step(kind, 'install', options, () => kind.install((text) => options.report({ service: kind.name, text })));
}

/** The ports of the last time are asked for first, so that saved addresses stay true; then the usual ones. */
async function choosePorts(kind: ServiceKind, last: ServiceRecord | undefined): Promise<ServerPorts> {
  const { port, uiPort } = kind.usualPorts;
  return {
    port: await choosePort(last?.port ?? port),
    uiPort: uiPort === null ? null : await choosePort(last?.uiPort ?? uiPort),
  };
}

function newRecord(program: ServiceProgram, ports: ServerPorts, identity: LaunchedIdentity): ServiceRecord {
  const { source, version } = program;
  return { ...identity, ...ports, source, version, startedAt: new Date().toISOString(), ready: false };
}

type LaunchedIdentity = Pick<ServiceRecord, 'pid' | 'processStartedAt'>;

/** Waits for the first answer and prepares the server. A server that never answers is ended again. */
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
  await step(kind, 'prepare', options, () =>
    kind.prepare(record, (text) => options.report({ service: kind.name, text })),
  );
  folder.remember(kind.name, { ...record, ready: true });
  options.report({ service: kind.name, text: 'ready' });
}

/** Runs one step and turns whatever it throws into an error that names the step. */
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
    const remedy = name === 'find' || name === 'install' || name === 'prepare' ? ` ${kind.remedy}` : '';
    throw new ServiceStartFailed(kind.name, { step: name, reason: `${errorMessage(error)}${remedy}` }, error);
  }
}
