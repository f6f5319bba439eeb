import { shippedGraphs } from '../../agents/index.ts';
import { shippedTemplates } from '../../agents/templates/index.ts';
import type { Config } from '../../config.ts';
import { migrate } from '../../database/migrate.ts';
import { openDatabase } from '../../database/open-orm.ts';
import { SYSTEM_TENANT } from '../../domain/ids.ts';
import { publishGraphs } from '../../operations/graphs/publish-graphs.ts';
import { saveDocument } from '../../operations/templates/save.ts';
import type { Connections } from '../../servers/services.ts';
import { connectClient } from '../../temporal/connect.ts';
import { ensureSearchAttributes } from '../../temporal/ensure-search-attributes.ts';
import {
  ensureRetentionSchedule,
  ensureSupervisionSchedule,
  ensureVerificationSchedule,
} from '../../temporal/schedules.ts';

export interface PrepareOptions {
  readonly config: Config;
  readonly connections: Connections;
  /** Told of each step before it begins. */
  readonly report: (step: string, detail: string) => void;
}

/**
 * Prepares the stores for this version of Muster: migrations, shipped graphs and templates, search attributes,
 * Schedules. Idempotent; a step that fails leaves the earlier ones done and throws its own error.
 */
export async function prepareInstallation({ config, connections, report }: PrepareOptions): Promise<void> {
  report('migrations', 'checking the schema');
  const { applied } = await migrate({ ownerUrl: connections.ownerUrl, appLogins: [loginOf(connections.databaseUrl)] });
  report('migrations', applied.length === 0 ? 'up to date' : `applied ${applied.length}, up to ${applied.at(-1)}`);
  await publishShipped(config, connections, report);
  report('temporal', 'search attributes and schedules');
  const temporal = await connectClient({
    address: connections.temporalAddress,
    namespace: config.services.temporalNamespace,
    connectionOptions: connections.temporalConnectionOptions,
  });
  try {
    await ensureSearchAttributes(temporal.client, temporal.namespace);
    await ensureRetentionSchedule(temporal.client, config.taskQueue);
    await ensureSupervisionSchedule(temporal.client, config.taskQueue);
    await ensureVerificationSchedule(temporal.client, config.taskQueue);
  } finally {
    await temporal.close();
  }
}

async function publishShipped(
  config: Config,
  connections: Connections,
  report: PrepareOptions['report'],
): Promise<void> {
  report('graphs', shippedGraphs.map((graph) => graph.definition.name).join(', '));
  const database = openDatabase({ url: connections.databaseUrl, poolSize: 2, applicationName: 'muster set-up' });
  try {
    const definitions = shippedGraphs.map((graph) => graph.definition);
    await publishGraphs(database, { tenant: SYSTEM_TENANT, taskQueue: config.taskQueue, definitions });
    for (const template of shippedTemplates()) {
      await database.inSystem('publish', ({ em }) => saveDocument(em, SYSTEM_TENANT, template));
    }
  } finally {
    await database.close();
  }
}

function loginOf(url: string): string {
  return decodeURIComponent(new URL(url).username);
}
