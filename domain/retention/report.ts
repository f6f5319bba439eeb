import type { RetentionResource } from './policy.ts';

/** What one policy did, or in a dry run would do. */
export interface RetentionReport {
  readonly resource: RetentionResource;
  readonly maxAgeDays: number;
  readonly enabled: boolean;
  readonly dryRun: boolean;
  /** Rows that went or would go. */
  readonly rows: number;
}

/** The reports as a Markdown table. */
export function retentionTable(reports: readonly RetentionReport[]): string {
  const rows = reports.map((report) => `| ${report.resource} | ${report.maxAgeDays} d | ${report.rows} |`);
  return ['| table | keeps | rows |', '|---|--:|--:|', ...rows].join('\n');
}
