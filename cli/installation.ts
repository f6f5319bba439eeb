import type { Command } from 'commander';
import { type Config, loadConfig } from '../config.ts';
import type { DoctorCheck } from '../services/doctor.ts';
import type { Connections, ServiceStatus } from '../services/index.ts';
import { NotReady, reasonOf, SetUpStepFailed } from './errors.ts';
import { plain, plainLines } from './format.ts';
import { type Colors, Output } from './output.ts';

interface InstallationOptions {
  readonly json?: boolean;
}

/** `up`, `down`, `status`, `doctor` and `migrate`: what an operator does to the installation as a whole. */
export function addInstallationCommands(program: Command): void {
  program
    .command('up')
    .description('start the services and prepare them; what is up stays as it is')
    .action(action(up));
  program.command('down').description('stop the services that muster started; data stays').action(action(down));
  program.command('status').description('say where the services are and whether they are ready').action(action(status));
  program.command('doctor').description('look for whatever keeps Muster from working well').action(action(doctor));
  program.command('migrate').description('bring the database schema up to date').action(action(migrate));
}

function action(run: (output: Output, config: Config) => Promise<void>) {
  return (_options: unknown, command: Command) =>
    run(new Output(command.optsWithGlobals<InstallationOptions>()), loadConfig());
}

async function up(output: Output, config: Config): Promise<void> {
  const { serviceStatuses } = await import('../services/index.ts');
  try {
    await setUp(output, config);
  } catch (error) {
    const services = await serviceStatuses(config.services);
    output.result({ services, ready: false }, (colors) => formatServiceList(services, colors));
    throw error;
  }
  const services = await serviceStatuses(config.services);
  const ready = services.every(({ healthy }) => healthy);
  output.result(
    { services, ready },
    (colors) => `${formatServiceList(services, colors)}\n${formatReady(ready, colors)}`,
  );
  if (!ready) throw new NotReady(unhealthy(services), 'Run `muster status` to see why.');
}

/**
 * Starts the services side by side and brings them to what this version needs, saying each step. Repeating it changes
 * nothing and takes seconds. Throws with the step that failed and why.
 */
export async function setUp(output: Output, config: Config): Promise<Connections> {
  const [{ startServices }, { formatProgress }] = await Promise.all([
    import('../services/index.ts'),
    import('./services.ts'),
  ]);
  const connections = await startServices({
    config: config.services,
    report: (event) => output.progress(plain(formatProgress(event))),
  });
  await prepare(output, config, connections);
  return connections;
}

async function prepare(output: Output, config: Config, connections: Connections): Promise<void> {
  const { prepareInstallation } = await import('../worker/prepare.ts');
  let current = 'migrations';
  const report = (step: string, detail: string) => {
    current = step;
    output.progress(plain(`${step}: ${detail}`));
  };
  try {
    await prepareInstallation({ config, connections, report });
  } catch (error) {
    const reason = reasonOf(error);
    throw new SetUpStepFailed(current, `${reason}. Correct this, then run \`muster up\` again.`, error);
  }
}

async function down(output: Output, config: Config): Promise<void> {
  const { stopServices } = await import('../services/index.ts');
  const services = await stopServices(config.services);
  const ready = services.every(({ healthy }) => healthy);
  output.result({ services, ready }, (colors) => formatServiceList(services, colors));
  const left = services.filter(({ source, healthy }) => source === 'muster' && healthy);
  if (left.length > 0) throw new NotReady(unstopped(left), 'End these processes by hand.');
}

function unstopped(services: readonly ServiceStatus[]): string[] {
  return services.map(({ name, detail }) => `${name} could not be stopped (${detail})`);
}

function unhealthy(services: readonly ServiceStatus[]): string[] {
  return services.filter(({ healthy }) => !healthy).map(({ name, detail }) => `${name} (${detail})`);
}

async function status(output: Output, config: Config): Promise<void> {
  const [{ findConnections, serviceStatuses }, readiness] = await Promise.all([
    import('../services/index.ts'),
    import('./readiness.ts'),
  ]);
  const services = await serviceStatuses(config.services);
  const postgresql = services.find(({ name }) => name === 'postgresql');
  const connections = postgresql?.healthy === true ? await findConnections(config.services).catch(() => null) : null;
  const checks = connections === null ? [] : await readiness.checkInstalledSchema(connections);
  report(output, { services, checks, ready: readiness.isReady(services, checks) });
  const fault = readiness.faultOf(services, checks);
  if (fault !== null) throw fault;
}

async function doctor(output: Output, config: Config): Promise<void> {
  const [{ findConnections, serviceStatuses }, { examine }, readiness] = await Promise.all([
    import('../services/index.ts'),
    import('../services/doctor.ts'),
    import('./readiness.ts'),
  ]);
  const [services, found] = await Promise.all([serviceStatuses(config.services), examine(config.services)]);
  const postgresql = services.find(({ name }) => name === 'postgresql');
  const connections = postgresql?.healthy === true ? await findConnections(config.services).catch(() => null) : null;
  const ofSchema = connections === null ? [] : await readiness.checkInstalledSchema(connections);
  const checks = [...found, ...ofSchema];
  report(output, { services, checks, ready: readiness.isReady(services, checks) });
  const fault = readiness.faultOf(services, checks);
  if (fault !== null) throw fault;
}

interface InstallationReport {
  readonly services: readonly ServiceStatus[];
  readonly checks: readonly DoctorCheck[];
  readonly ready: boolean;
}

function report(output: Output, { services, checks, ready }: InstallationReport): void {
  output.result({ services, ready, checks }, (colors) =>
    [formatServiceList(services, colors), ...formatChecks(checks, colors), formatReady(ready, colors)].join('\n'),
  );
}

/** The services for people: name, health, address and where each came from. */
function formatServiceList(services: readonly ServiceStatus[], colors: Colors): string {
  return services
    .flatMap(({ name, address, source, healthy, detail }) => {
      const origin = source === 'none' ? '' : `  ${colors.dim(`from ${source}`)}`;
      return [
        `${mark(healthy, colors)} ${name.padEnd(12)} ${address ?? '-'}${origin}`,
        `     ${colors.dim(plain(detail))}`,
      ];
    })
    .join('\n');
}

function formatChecks(checks: readonly DoctorCheck[], colors: Colors): string[] {
  const width = Math.max(0, ...checks.map(({ name }) => name.length));
  return checks.flatMap(({ name, ok, detail, remedy }) => [
    `${mark(ok, colors)} ${name.padEnd(width)}  ${plainLines(detail)}`,
    ...(remedy === null ? [] : [`     ${remedy}`]),
  ]);
}

function mark(good: boolean, colors: Colors): string {
  return good ? colors.green('ok  ') : colors.red('FAIL');
}

function formatReady(ready: boolean, colors: Colors): string {
  return ready ? colors.green('ready') : colors.red('not ready');
}

async function migrate(output: Output, config: Config): Promise<void> {
  const [{ findConnections }, database] = await Promise.all([
    import('../services/index.ts'),
    import('../database/migrate.ts'),
  ]);
  const { ownerUrl, databaseUrl } = await findConnections(config.services);
  const { applied, schemaHash } = await database.migrate({
    ownerUrl,
    appLogins: [decodeURIComponent(new URL(databaseUrl).username)],
    report: (name) => output.progress(`applying ${name}`),
  });
  output.result({ applied, schemaHash }, () =>
    applied.length === 0 ? 'The schema is up to date.' : `Applied ${applied.length}: ${applied.join(', ')}.`,
  );
}
