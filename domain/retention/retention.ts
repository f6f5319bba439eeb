/** The kinds of rows that a policy may prune, by age since the row ended. */
export const RETENTION_RESOURCES = [
  'tasks',
  'agent_traces',
  'agent_runs',
  'trace_events',
  'artifacts',
  'agent_messages',
  'outbox',
  'operation_keys',
  'conversations',
] as const;
export type RetentionResource = (typeof RETENTION_RESOURCES)[number];

/** How a policy decides: it prunes rows older than a number of days. */
export const RETENTION_MODES = ['age'] as const;

/** What one policy did, or would do in a dry run. */
export interface RetentionReport {
  readonly resource: RetentionResource;
  readonly maxAgeDays: number;
  readonly enabled: boolean;
  readonly dryRun: boolean;
  /** Rows that were pruned, or would be. */
  readonly rows: number;
  /** Messages that were given up because no agent took them; they are pruned after the same time as dead ones. */
  readonly buried: number;
  /** Why the policy stopped before its end; null when it did not. The others continue. */
  readonly failure: string | null;
}

/** The reports as a Markdown table. */
export function retentionTable(reports: readonly RetentionReport[]): string {
  const rows = reports.map(
    (report) => `| ${report.resource} | ${report.maxAgeDays} d | ${report.rows} | ${remarkOn(report)} |`,
  );
  return ['| table | keeps | rows | |', '|---|--:|--:|---|', ...rows].join('\n');
}

/** Further notes on a policy's run for people; may be empty. */
export function remarkOn({ enabled, buried, failure }: RetentionReport): string {
  if (!enabled) return 'policy is off';
  if (failure !== null) return `failed: ${failure}`;
  return buried === 0 ? '' : `${buried} unclaimed messages are dead now`;
}
