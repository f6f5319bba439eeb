import type { TaskView } from '../../../client.ts';
import { formatDuration, formatSpan } from '../../output/formatting.ts';
import { html, type Markup } from './markup.ts';
import { statesOf, toneOf } from './node-states.ts';

type Trace = TaskView['traces'][number];
type Step = Trace['steps'][number];

/** One line of the waterfall. */
interface Line {
  /** 0 for a run, 1 for a model call, 2 for a call of a tool. */
  readonly depth: 0 | 1 | 2;
  readonly name: string;
  readonly status: string;
  readonly href: string | null;
  readonly from: Date | null;
  readonly to: Date | null;
  /** Since when it waited for a person before it began; null where nobody was asked. */
  readonly askedAt: Date | null;
}

/** More lines make a page that nobody reads. What failed is among the runs below the figure all the same. */
const MOST_LINES = 600;
/** The width of the time axis, in units of its own, and the least of a bar. */
const AXIS = 1_000;
const LEAST_BAR = 3;
const TICKS = 5;

/** Runs, model calls and calls of tools on the time axis of their trace. */
export function waterfall(
  trace: Trace,
  { hrefOf, now }: { readonly hrefOf: (path: string) => string | null; readonly now: Date },
): Markup {
  const lines = linesOf(trace, hrefOf);
  const begin = trace.startedAt.getTime();
  const span = Math.max(1, (trace.finishedAt ?? now).getTime() - begin);
  const ticks = Array.from({ length: TICKS }, (_, index) => formatDuration((span * index) / (TICKS - 1)));
  const left = lines.length - MOST_LINES;
  return html`<table class="waterfall"><thead><tr><th scope="col">run, step, tool</th><th scope="col"><div class="axis">${ticks.map((tick) => html`<span>${tick}</span>`)}</div></th><th scope="col">took</th></tr></thead><tbody>
${lines.slice(0, MOST_LINES).map((line) => row(line, { begin, span, now }))}
</tbody></table>${left > 0 && html`<p class="note">${left} more lines are left out.</p>`}`;
}

function linesOf(trace: Trace, hrefOf: (path: string) => string | null): readonly Line[] {
  const states = statesOf(trace);
  const stepsOf = Map.groupBy(trace.steps, ({ path }) => path);
  return trace.runs
    .filter(({ startedAt }) => startedAt !== null)
    .flatMap(({ path, startedAt: from, finishedAt: to, status }) => {
      const shown = states.get(path)?.status === 'waiting' ? 'waiting' : status;
      const run: Line = { depth: 0, name: path, status: shown, href: hrefOf(path), from, to, askedAt: null };
      return [run, ...(stepsOf.get(path) ?? []).flatMap(linesOfStep)];
    });
}

function linesOfStep({ step, model, state, startedAt: from, finishedAt: to, tools }: Step): readonly Line[] {
  const call: Line = { depth: 1, name: `${step}. ${model}`, status: state, href: null, from, to, askedAt: null };
  const asked = tools.map(({ tool, state: status, startedAt, finishedAt, approval }): Line => {
    return {
      depth: 2,
      name: tool,
      status,
      href: null,
      from: startedAt,
      to: finishedAt,
      askedAt: approval?.createdAt ?? null,
    };
  });
  return [call, ...asked];
}

interface Axis {
  readonly begin: number;
  readonly span: number;
  readonly now: Date;
}

function row(line: Line, axis: Axis): Markup {
  const { depth, name, status, href, from, to, askedAt } = line;
  const took = from === null && to !== null ? '' : formatSpan(from ?? askedAt, to, axis.now);
  const label = href === null ? html`${name}` : html`<a href="${href}">${name}</a>`;
  return html`<tr class="depth-${depth}"><th scope="row"><i class="dot ${toneOf(status)}"></i>${label}</th><td><svg class="bars" viewBox="0 0 ${AXIS} 12" preserveAspectRatio="none" role="img" aria-label="${status}">
${askedAt !== null && bar({ from: askedAt, to: from ?? to, tone: 'asked' }, axis)}${from !== null && bar({ from, to, tone: toneOf(status) }, axis)}</svg></td><td>${took}</td></tr>`;
}

interface Bar {
  readonly from: Date;
  readonly to: Date | null;
  readonly tone: string;
}

function bar({ from, to, tone }: Bar, { begin, span, now }: Axis): Markup {
  const at = (moment: Date) => Math.min(AXIS, Math.max(0, ((moment.getTime() - begin) / span) * AXIS));
  const x = Math.min(at(from), AXIS - LEAST_BAR);
  const width = Math.max(LEAST_BAR, at(to ?? now) - x);
  return html`<rect class="bar ${tone}" x="${x.toFixed(1)}" y="1" width="${width.toFixed(1)}" height="10"/>`;
}
