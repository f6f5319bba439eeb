import { createHash } from 'node:crypto';
import type { TaskView } from '../../../client.ts';
import { moneyText } from '../../../domain/budgets/amounts.ts';
import { budgetLine } from '../../budgets/budget-text.ts';
import { formatDateTime, formatDuration, formatSpan } from '../../output/formatting.ts';
import { graphFigure } from './graph-figure.ts';
import { html, Markup } from './markup.ts';
import { statesOf } from './node-states.ts';
import { badge, excerpt, runSections } from './run-sections.ts';
import { STYLE } from './style.ts';
import { costs, decisions, events, messages } from './trace-tables.ts';
import { waterfall } from './waterfall.ts';

type Trace = TaskView['traces'][number];

/**
 * A task as one HTML page that needs nothing else: no network, no script, no file beside it. Its policy forbids all of
 * that too, so that a text which got past the escaping would still do nothing.
 * @param now until when what is not finished is drawn
 */
export function taskPage(view: TaskView, now: Date): string {
  const { task, traces } = view;
  const [newest, ...earlier] = traces.toReversed();
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}"><meta name="referrer" content="no-referrer"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${task.title} (${task.status})</title><style>${new Markup(STYLE)}</style></head>
<body><header><h1>${task.title} ${badge(task.status)}</h1>${facts(view)}${tiles(view, now)}${excerpt('input', view.inputStart)}${excerpt('output', outputOf(view))}</header>
${newest === undefined ? html`<p class="note">It has no trace ${view.pruned.traces ? 'any more: retention has removed them.' : 'yet.'}</p>` : html`<main>${section(newest, now)}</main>`}
${earlier.length > 0 && html`<h2>Earlier traces</h2>${earlier.map((trace) => html`<details><summary><b>trace ${trace.number}</b> ${badge(trace.status)}</summary>${section(trace, now)}</details>`)}`}
<footer>As of ${formatDateTime(now)}, by <code>muster show ${task.id} --html</code>. Times are those of the machine that wrote this page.</footer></body></html>
`.text;
}

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'`;

/** The colours of a terminal, where text has none. */
const PLAIN = Object.fromEntries(
  ['bold', 'dim', 'red', 'green', 'yellow', 'cyan'].map((name) => [name, String]),
) as unknown as Parameters<typeof budgetLine>[1];

function facts({ task, budget, parent }: TaskView): Markup {
  const { id, graph, tenant, priority, user, key, workflowId, waitsFor, error, createdAt, deadlineAt } = task;
  const lines: readonly (readonly [string, string | null])[] = [
    ['task', id],
    ['graph', `${graph}, priority ${priority}, tenant ${tenant}`],
    ['user', user],
    ['key', key],
    ['created', formatDateTime(createdAt)],
    ['deadline', deadlineAt === null ? null : formatDateTime(deadlineAt)],
    ['waits for', waitsFor],
    ['part of', parent === null ? null : `${parent.taskId}, ${parent.path}`],
    ['budget', budget === null ? null : budgetLine(budget, PLAIN)],
    ['workflow', workflowId],
    ['error', error === null ? null : `${error.code}: ${error.message}`],
  ];
  const shown = lines.filter(([, text]) => text !== null);
  return html`<dl class="facts">${shown.map(([name, text]) => html`<dt>${name}</dt><dd${name === 'error' && html` class="fault"`}>${text}</dd>`)}</dl>`;
}

function tiles({ task, usage, traces }: TaskView, now: Date): Markup {
  const { createdAt, startedAt, completedAt } = task;
  const runs = traces.at(-1)?.runs ?? [];
  const waited = (startedAt ?? completedAt ?? now).getTime() - createdAt.getTime();
  const shown: readonly (readonly [string, string])[] = [
    [formatDuration(Math.max(0, waited)), 'waited'],
    [startedAt === null ? 'not yet' : formatSpan(startedAt, completedAt, now), 'ran'],
    [`${runs.filter(({ status }) => status === 'ok').length} of ${runs.length}`, 'runs ok'],
    [`${usage.inputTokens.toLocaleString('en')} + ${usage.outputTokens.toLocaleString('en')}`, 'tokens in and out'],
    [moneyText(usage.costMicros), 'money'],
  ];
  return html`<div class="tiles">${shown.map(([figure, name]) => html`<div><b>${figure}</b><span>${name}</span></div>`)}</div>`;
}

function outputOf({ output, pruned }: TaskView): string | null {
  if (pruned.output) return 'Retention has removed it.';
  if (output === null) return null;
  return typeof output === 'string' ? output : JSON.stringify(output, null, 2);
}

function section(trace: Trace, now: Date): Markup {
  const { number, status, nodes, runs, startedAt, finishedAt } = trace;
  // Made of numbers, so that no text becomes an address.
  const ids = new Map(runs.map(({ path }, index) => [path, `t${number}-r${index}`]));
  const idOf = (path: string) => ids.get(path) ?? '';
  const hrefOf = (path: string) => (ids.has(path) ? `#${idOf(path)}` : null);
  return html`<h2>Trace ${number} ${badge(status)} <span class="note">${formatSpan(startedAt, finishedAt, now)}, <code>${trace.id}</code></span></h2>
${nodes.length > 0 && html`<h3>Graph</h3>${graphFigure({ nodes, scope: '', states: statesOf(trace), hrefOf })}`}
<h3>Time</h3>${waterfall(trace, { hrefOf, now })}
${costs(trace)}${decisions(trace)}${messages(trace)}
<h3>Runs</h3>${runSections(trace, idOf)}
${events(trace)}`;
}
