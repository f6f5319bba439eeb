import type { BandView, ConcurrencyLimitView, QueueView, TenantView } from '../../client.ts';
import type { LimitSettings } from '../../domain/limits/limit-settings.ts';
import { PRIORITY_BANDS } from '../../domain/tasks/priority.ts';
import { type Column, formatDuration, formatTable } from '../output/formatting.ts';
import type { Colors } from '../output/output.ts';

/** How many tasks may be open at once, and how many are. */
export function formatConcurrencyLimits({ limits }: Pick<QueueView, 'limits'>, colors: Colors): string {
  const columns: Column<ConcurrencyLimitView>[] = [
    { title: 'tasks at once', of: ({ key }) => key },
    { title: 'held', of: ({ held }) => String(held), align: 'right' },
    { title: 'of', of: ({ limit }) => String(limit ?? '-'), align: 'right' },
    { title: 'holds up', of: ({ parked }) => String(parked ?? '-'), align: 'right' },
    { title: 'while', of: ({ while: span }) => span },
    { title: '', of: (limit) => (isFull(limit) ? 'full' : ''), paint: colors.yellow },
  ];
  return formatTable(limits, columns, colors);
}

function isFull({ key, limit, held }: ConcurrencyLimitView): boolean {
  return limit !== null && held >= limit && !key.endsWith(':*');
}

/** How much may happen in a time, and by how much tiers multiply it. */
export function formatRateLimits({ limits, tiers, tenantTiers, userTiers }: LimitSettings, colors: Colors): string {
  const named = Object.entries(limits).map(([name, limit]) => ({ name, ...limit }));
  const columns: Column<(typeof named)[number]>[] = [
    { title: 'in a time', of: ({ name }) => name },
    { title: 'limit', of: ({ limit }) => String(limit), align: 'right' },
    { title: 'in', of: ({ perSeconds }) => `${perSeconds} s`, align: 'right' },
    { title: 'at once', of: ({ burst }) => String(burst), align: 'right' },
    { title: 'refused for', of: ({ blockSeconds: seconds }) => (seconds === 0 ? '-' : `${seconds} s`), align: 'right' },
    { title: 'counts', of: ({ algorithm }) => (algorithm === 'gcra' ? 'evenly' : 'every window exactly') },
  ];
  const factors = Object.entries(tiers).map(([tier, factor]) => `${tier} ×${factor}`);
  const holders = [...Object.entries(tenantTiers), ...Object.entries(userTiers)].map((pair) => pair.join(' is '));
  return [formatTable(named, columns, colors), `tiers: ${[...factors, ...holders].join(', ')}`].join('\n');
}

/** The queue for people: bands, tenants, limits, and one line that counts everything else. */
export function formatQueue(queue: QueueView, colors: Colors): string {
  const parts = [formatBands(queue, colors)];
  if (queue.tenants.length > 0) parts.push(formatTenants(queue, colors));
  if (queue.limits.some(({ held, parked }) => held > 0 || (parked ?? 0) > 0))
    parts.push(formatConcurrencyLimits(queue, colors));
  parts.push(formatSum(queue, colors));
  return parts.join('\n\n');
}

function formatBands({ bands }: QueueView, colors: Colors): string {
  const columns: Column<BandView>[] = [
    { title: 'band', of: ({ band }) => band },
    { title: 'waiting', of: ({ waiting }) => String(waiting), align: 'right' },
    { title: 'oldest waits', of: ({ oldestWaitMs: ms }) => (ms === null ? '-' : formatDuration(ms)), align: 'right' },
    { title: 'starts/min', of: ({ startsPerMinute }) => String(startsPerMinute ?? '-'), align: 'right' },
    { title: '', of: ({ paused }) => (paused ? 'paused' : ''), paint: colors.yellow },
  ];
  return formatTable(bands, columns, colors);
}

function formatTenants({ tenants }: QueueView, colors: Colors): string {
  const columns: Column<TenantView>[] = [
    { title: 'tenant', of: ({ tenant }) => tenant },
    { title: 'waiting', of: ({ waiting }) => String(waiting), align: 'right' },
    { title: 'running', of: ({ running }) => String(running), align: 'right' },
    { title: 'starts/min', of: ({ startsPerMinute }) => String(startsPerMinute), align: 'right' },
    { title: 'weight', of: ({ weight }) => String(weight), align: 'right' },
    { title: 'dead', of: ({ dead }) => String(dead), align: 'right' },
    { title: '', of: ({ paused }) => (paused ? 'paused' : ''), paint: colors.yellow },
  ];
  return formatTable(tenants, columns, colors);
}

const MAX_NAMES = 5;

/** Notes on the index, and on tasks that nothing can start. */
function notes({ index, unserved, unhosted }: QueueView): string[] {
  const { tasks, agents } = unhosted;
  const said = {
    whole: [],
    unavailable: ['Redis is unavailable: tasks are taken from PostgreSQL, and what each limit holds up is not known.'],
    rebuilding: ['The index in Redis is being rebuilt from PostgreSQL.'],
    unserved: [`No worker serves the task queue ${unserved.join(', ')}: what waits there starts once one runs.`],
  }[index];
  if (tasks === 0) return said;
  const which = tasks === 1 ? '1 waiting task needs' : `${tasks} waiting tasks need`;
  const what = agents.length === 1 ? 'an agent' : 'agents';
  const others = agents.length > MAX_NAMES ? ` and ${agents.length - MAX_NAMES} more` : '';
  return [...said, `${which} ${what} that no worker hosts: ${agents.slice(0, MAX_NAMES).join(', ')}${others}.`];
}

function formatSum(queue: QueueView, colors: Colors): string {
  const { running, deferred, blocked, overdue, dead, startsPerMinute, paused } = queue;
  const counts = `${running} running, ${deferred} deferred, ${blocked} blocked, ${overdue} overdue, ${dead} dead`;
  const hints = [
    ...(paused.length === 0 ? [] : [colors.yellow(`paused: ${paused.join(', ')}`)]),
    ...(dead === 0 ? [] : ['`muster dead` tells why they died.']),
    ...notes(queue).map(colors.yellow),
  ];
  return [`${counts}; ${startsPerMinute} started in the last minute`, ...hints].join('\n');
}

/** The queue on one line, for a log. */
export function queueLine(queue: QueueView): string {
  const waiting = PRIORITY_BANDS.map((band) => `${band} ${queue.waiting[band]}`).join(', ');
  const { running, deferred, blocked, overdue, dead, paused, index, unhosted } = queue;
  const held = paused.length === 0 ? '' : `; paused ${paused.join(', ')}`;
  return `waiting ${waiting}; running ${running}; deferred ${deferred}; blocked ${blocked}; overdue ${overdue}; dead ${dead}${held}${unhosted.tasks === 0 ? '' : `; unhosted ${unhosted.tasks}`}${index === 'whole' ? '' : `; index ${index}`}`;
}

/** What counts as a change: everything but ages and rates. */
export function queueFacts(queue: QueueView): unknown {
  const { waiting, running, deferred, blocked, overdue, dead, paused, limits, tenants, index, unhosted } = queue;
  const shares = tenants.map((tenant) => [tenant.tenant, tenant.waiting, tenant.running, tenant.weight, tenant.dead]);
  return [waiting, running, deferred, blocked, overdue, dead, paused, limits, shares, index, unhosted];
}
