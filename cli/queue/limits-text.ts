import type { QueueView } from '../../client.ts';
import type { LimitSettings } from '../../domain/limits/limit-settings.ts';
import { type Column, formatTable } from '../output/formatting.ts';
import type { Colors } from '../output/output.ts';

/** How many tasks may be open at once, and how many are. */
export function formatConcurrencyLimits({ limits }: Pick<QueueView, 'limits'>, colors: Colors): string {
  const columns: Column[] = [
    { title: 'tasks at once' },
    { title: 'held', align: 'right' },
    { title: 'of', align: 'right' },
    { title: 'holds up', align: 'right' },
    { title: 'while' },
    { title: '', paint: colors.yellow },
  ];
  const rows = limits.map(({ key, held, limit, parked, while: span }) => [
    ...[key, String(held), limit === null ? '-' : String(limit), String(parked ?? '-'), span],
    limit !== null && held >= limit && !key.endsWith(':*') ? 'full' : '',
  ]);
  return formatTable(columns, rows, colors);
}

/** How much may happen in a time, and by how much tiers multiply it. */
export function formatRateLimits({ limits, tiers, tenantTiers, userTiers }: LimitSettings, colors: Colors): string {
  const columns: Column[] = [
    { title: 'in a time' },
    { title: 'limit', align: 'right' },
    { title: 'in', align: 'right' },
    { title: 'at once', align: 'right' },
    { title: 'refused for', align: 'right' },
    { title: 'counts' },
  ];
  const rows = Object.entries(limits).map(([name, { limit, perSeconds, burst, blockSeconds, algorithm }]) => [
    ...[name, String(limit), `${perSeconds} s`, String(burst), blockSeconds === 0 ? '-' : `${blockSeconds} s`],
    algorithm === 'gcra' ? 'evenly' : 'every window exactly',
  ]);
  const factors = Object.entries(tiers).map(([tier, factor]) => `${tier} ×${factor}`);
  const holders = [...Object.entries(tenantTiers), ...Object.entries(userTiers)].map((pair) => pair.join(' is '));
  return [formatTable(columns, rows, colors), `tiers: ${[...factors, ...holders].join(', ')}`].join('\n');
}
