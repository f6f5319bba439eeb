import type { Command } from 'commander';
import { type Config, loadConfig, setVariables } from '../../config.ts';
import { errorClause } from '../../domain/errors.ts';
import { findConnections, findDatabase } from '../../servers/find/find-connections.ts';
import type { DoctorCheck } from '../../servers/probe/doctor.ts';
import type { Connections, Report, ServiceStatus } from '../../servers/services.ts';
import { NotReady, SetUpStepFailed } from '../cli-errors.ts';
import { plain, plainLines } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, type CommonOptions } from '../session.ts';

/** `up`, `down`, `status`, `doctor` and `migrate`: what an operator does to the installation as a whole. */
export function addInstallationCommands(program: Command): void {
  program.command('up').description('start and prepare the services; those that run stay as they are').action(runs(up));
  program.command('down').description('stop the services that Muster started; their data stays').action(runs(down));
  program.command('status').description('say where the services are and whether they are ready').action(runs(status));
  program.command('doctor').description('look for problems and say how to solve them').action(runs(doctor));
  program
    .command('migrate')
    .description('bring the database schema up to date')
    // Needs PostgreSQL alone, so a Temporal that is unavailable or misconfigured must not stop it.
    .action(action((options: CommonOptions) => migrate(new Output(options), loadConfig())));
}

function runs(run: (output: Output, config: Config) => Promise<void>) {
  return action(async (options: CommonOptions) => run(new Output(options), await loadInstallation()));
}

/** The configuration with what the active profile of `temporal.toml` adds. @throws ConfigInvalid, TemporalProfileInvalid */
export async function loadInstallation(): Promise<Config> {
  const config = loadConfig();
  const { withTemporalProfile } = await import('../../temporal/profile.ts');
  return { ...config, services: withTemporalProfile(config.services, setVariables()) };
}

/** Loaded by the command that needs it: the services' probes load three client libraries. */
const loadServices = () => import('./services-report.ts');

async function up(output: Output, config: Config): Promise<void> {
  try {
    await setUp(output, config);
  } catch (error) {
    const { services } = await (await loadServices()).status(config.services);
    await report(output, { services, checks: [], ready: false });
    throw error;
  }
  const { services, ready } = await (await loadServices()).status(config.services);
  await report(output, { services, checks: [], ready });
  throwFault(services, []);
}

/**
 * Starts the services in parallel and prepares them for this version, reporting each step. Repeating it changes nothing
 * and takes seconds. Throws with the step that failed and the reason.
 */
export async function setUp(output: Output, config: Config): Promise<Connections> {
  const services = await loadServices();
  const { connections } = await services.up(config.services, progressOf(output, services));
  await prepare(output, config, connections);
  return connections;
}

function progressOf(output: Output, { formatProgress }: Awaited<ReturnType<typeof loadServices>>): Report {
  return (event) => output.progress(plain(formatProgress(event)));
}

async function prepare(output: Output, config: Config, connections: Connections): Promise<void> {
  const { prepareInstallation } = await import('../../worker/wire/prepare-installation.ts');
  let current = 'migrations';
  const tell = (step: string, detail: string) => {
    current = step;
    output.progress(plain(`${step}: ${detail}`));
  };
  try {
    await prepareInstallation({ config, connections, report: tell });
  } catch (error) {
    const reason = `${errorClause(error)}. Correct this, then run \`muster up\` again.`;
    throw new SetUpStepFailed(current, reason, error);
  }
}

async function down(output: Output, config: Config): Promise<void> {
  const services = await loadServices();
  const stopped = await services.down(config.services, progressOf(output, services));
  output.result(stopped, () => stopped.services.map(formatStopped).join('\n'));
  const left = stopped.services.filter(({ source, healthy }) => source === 'muster' && healthy);
  const sentences = left.map(({ name, detail }) => `${name} could not be stopped (${detail})`);
  if (left.length > 0) throw new NotReady(sentences, 'End these processes manually.');
}

function formatStopped({ name, source, address }: ServiceStatus): string {
  if (source === 'none') return `${name}: stopped`;
  return `${name}: left as it is, ${source === 'environment' ? 'it is your own' : 'still running'}, at ${address}`;
}

async function status(output: Output, config: Config): Promise<void> {
  const { services } = await (await loadServices()).status(config.services);
  await judge(output, config, { services, found: [] });
}

async function doctor(output: Output, config: Config): Promise<void> {
  const { services, checks } = await (await loadServices()).doctor(config.services);
  await judge(output, config, { services, found: checks });
}

interface Findings {
  readonly services: ServiceStatus[];
  readonly found: readonly DoctorCheck[];
}

/** Adds the schema to the findings, prints them, and fails if one of them is bad. */
async function judge(output: Output, config: Config, { services, found }: Findings): Promise<void> {
  const { checkInstalledSchema, isReady } = await import('./readiness.ts');
  const hasDatabase = services.some(({ name, healthy }) => name === 'postgresql' && healthy);
  const connections = hasDatabase ? await findConnections(config.services).catch(() => null) : null;
  // Without connections the state of the services says enough.
  const checks = [...found, ...(connections === null ? [] : await checkInstalledSchema(connections))];
  await report(output, { services, checks, ready: isReady(services, checks) });
  throwFault(services, checks);
}

interface InstallationReport {
  readonly services: ServiceStatus[];
  readonly checks: DoctorCheck[];
  readonly ready: boolean;
}

async function report(output: Output, { services, checks, ready }: InstallationReport): Promise<void> {
  const { formatDoctor } = await loadServices();
  const data = checks.length === 0 ? { services, ready } : { services, ready, checks };
  output.result(data, (colors) => {
    const verdict = ready ? colors.green('ready') : colors.red('not ready');
    return `${paintMarks(plainLines(formatDoctor({ services, checks, ready })), colors)}\n${verdict}`;
  });
}

function paintMarks(text: string, colors: Colors): string {
  return text.replace(/^ok /gm, colors.green('ok ')).replace(/^NO /gm, colors.red('NO '));
}

function throwFault(services: readonly ServiceStatus[], checks: readonly DoctorCheck[]): void {
  const missing = [...services.filter(({ healthy }) => !healthy), ...checks.filter(({ ok }) => !ok)];
  if (missing.length === 0) return;
  const allUp = services.every(({ healthy }) => healthy);
  const remedy = checks.find(({ ok }) => !ok)?.remedy ?? 'Run `muster doctor`.';
  throw new NotReady(
    missing.map(({ name }) => name),
    allUp ? remedy : remedyOf(services),
  );
}

/** Muster starts its own servers only. */
function remedyOf(services: readonly ServiceStatus[]): string {
  const down = services.filter(({ healthy }) => !healthy);
  const ours = down.filter(({ source }) => source === 'muster' || source === 'none');
  const foreign = down.filter((service) => !ours.includes(service)).map(({ name }) => name);
  const repair = foreign.length === 0 ? [] : [`Repair ${foreign.join(', ')} as said above: not started by Muster.`];
  return [...(ours.length === 0 ? [] : ['Run `muster up`.']), ...repair].join(' ');
}

async function migrate(output: Output, config: Config): Promise<void> {
  const database = await import('../../database/migrate.ts');
  const { ownerUrl, databaseUrl } = findDatabase(config.services);
  const { applied, schemaHash } = await database.migrate({
    ownerUrl,
    appLogins: [decodeURIComponent(new URL(databaseUrl).username)],
    report: (name) => output.progress(`applying ${name}`),
  });
  output.result({ applied, schemaHash }, () =>
    applied.length === 0 ? 'The schema is up to date.' : `Applied ${applied.length}: ${applied.join(', ')}.`,
  );
}
