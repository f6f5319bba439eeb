import type { RetentionResource } from './policy.ts';

/** What one policy did, or in a dry run would do. */
export interface RetentionReport {
  readonly resource: RetentionResource;
  readonly maxAgeDays: number;
  readonly enabled: boolean;
  readonly dryRun: boolean;
  /** Rows that went or would go. */
  readonly rows: number;
  /** Messages that were given up because nobody took them; they go when they have been dead for as long. */
  readonly buried: number;
  /** Why the policy stopped before its end; null when it did not. The others go on. */
  readonly failure: string | null;
}

/** The reports as a Markdown table. */
export function retentionTable(reports: readonly RetentionReport[]): string {
  const rows = reports.map(
    (report) => `| ${report.resource} | ${report.maxAgeDays} d | ${report.rows} | ${remarkOn(report)} |`,
  );
  return ['| table | keeps | rows | |', '|---|--:|--:|---|', ...rows].join('\n');
}

/** What else is to be said of a policy's run, for people; empty where nothing is. */
export function remarkOn({ enabled, buried, failure }: RetentionReport): string {
  if (!enabled) return 'policy is off';
  if (failure !== null) return `failed: ${failure}`;
  return buried === 0 ? '' : `${buried} unclaimed messages are dead now`;
}
