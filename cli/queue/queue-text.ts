import type { QueueView } from '../../client.ts';
import { PRIORITY_BANDS } from '../../domain/tasks/priority.ts';
import { type Column, formatDuration, formatTable } from '../output/formatting.ts';
import type { Colors } from '../output/output.ts';
import { formatConcurrencyLimits } from './limits-text.ts';

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
  const columns: Column[] = [
    { title: 'band' },
    { title: 'waiting', align: 'right' },
    { title: 'oldest waits', align: 'right' },
    { title: 'starts/min', align: 'right' },
    { title: '', paint: colors.yellow },
  ];
  const rows = bands.map(({ band, waiting, oldestWaitMs, startsPerMinute, paused }) => [
    ...[band, String(waiting), oldestWaitMs === null ? '-' : formatDuration(oldestWaitMs)],
    ...[String(startsPerMinute ?? '-'), paused ? 'paused' : ''],
  ]);
  return formatTable(columns, rows, colors);
}

function formatTenants({ tenants }: QueueView, colors: Colors): string {
  const columns: Column[] = [
    { title: 'tenant' },
    { title: 'waiting', align: 'right' },
    { title: 'running', align: 'right' },
    { title: 'starts/min', align: 'right' },
    { title: 'weight', align: 'right' },
    { title: 'dead', align: 'right' },
    { title: '', paint: colors.yellow },
  ];
  const rows = tenants.map(({ tenant, waiting, running, startsPerMinute, weight, dead, paused }) => [
    ...[tenant, waiting, running, startsPerMinute, weight, dead].map(String),
    paused ? 'paused' : '',
  ]);
  return formatTable(columns, rows, colors);
}

/** Agents that are named on one line. */
const MAX_NAMES = 5;

/** What is said of the index, and of what waits in vain. */
function notes({ index, unserved, unhosted }: QueueView): string[] {
  const { tasks, agents } = unhosted;
  const said = {
    whole: [],
    away: ['Redis is unavailable: tasks are taken from PostgreSQL, and what each limit holds up is not known.'],
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
