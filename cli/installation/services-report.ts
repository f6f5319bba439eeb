import { connectedPrograms } from '../../servers/probe/connected-programs.ts';
import { type DoctorCheck, examine } from '../../servers/probe/doctor.ts';
import { serviceStatuses } from '../../servers/probe/service-status.ts';
import {
  type Connections,
  type ProgressEvent,
  type Report,
  SERVICE_TITLES,
  type ServiceStatus,
  type ServicesConfig,
} from '../../servers/services.ts';
import { startServices, stopServices } from '../../servers/start/start-services.ts';

/** What `up`, `down` and `status` print with `--json`. */
export interface ServicesReport {
  services: ServiceStatus[];
  /** True where all three are healthy. */
  ready: boolean;
}

/** What `doctor` prints with `--json`. */
export interface DoctorReport extends ServicesReport {
  checks: DoctorCheck[];
}

/**
 * Starts the services, reports each step, and returns their state. Throws if one is not ready, with a sentence for each
 * that names the step and what to do.
 */
export async function up(
  config: ServicesConfig,
  report: Report,
): Promise<ServicesReport & { connections: Connections }> {
  const connections = await startServices({ config, report });
  return { ...summarize(await serviceStatuses(config)), connections };
}

/** What `down` prints with `--json`. */
export interface DownReport extends ServicesReport {
  /** The programs that were connected and lost their servers: workers by their ids, clients by their processes. */
  disconnected: string[];
}

/** Ends the servers that Muster started, reports which programs lose them, and returns the state of all three. */
export async function down(config: ServicesConfig, report: Report): Promise<DownReport> {
  const disconnected = await connectedPrograms(config);
  if (disconnected.length > 0) {
    report({
      service: null,
      text: `${disconnected.join(', ')} ${disconnected.length === 1 ? 'loses its' : 'lose their'} servers and will wait for the next \`muster up\``,
    });
  }
  return { ...summarize(await stopServices(config, report)), disconnected };
}

export async function status(config: ServicesConfig): Promise<ServicesReport> {
  return summarize(await serviceStatuses(config));
}

/** The state of the services, and findings about anything else that could disturb Muster. */
export async function doctor(config: ServicesConfig): Promise<DoctorReport> {
  const [services, checks] = await Promise.all([serviceStatuses(config), examine(config)]);
  return { ...summarize(services), checks };
}

function summarize(services: ServiceStatus[]): ServicesReport {
  return { services, ready: services.every((service) => service.healthy) };
}

export function formatProgress({ service, text }: ProgressEvent): string {
  return `${service === null ? 'services' : SERVICE_TITLES[service]}: ${text}`;
}

export function formatServices({ services }: ServicesReport): string {
  return services
    .map(({ name, address, source, healthy, detail }) => {
      const origin = source === 'none' ? '' : ` [${source}]`;
      const place = address === null ? '' : ` at ${address}`;
      return `${healthy ? 'ok ' : 'NO '} ${SERVICE_TITLES[name]}${place}${origin}: ${detail}`;
    })
    .join('\n');
}

/** The findings of `doctor` for people; each that is not ok is followed by what to do. */
export function formatDoctor(report: DoctorReport): string {
  const lines = report.checks.flatMap(({ name, ok, detail, remedy }) => [
    `${ok ? 'ok ' : 'NO '} ${name}: ${detail}`,
    ...(remedy === null ? [] : [`    ${remedy}`]),
  ]);
  return [formatServices(report), ...lines].join('\n');
}
