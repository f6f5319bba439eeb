import type { TaskView } from '../../../client.ts';
import { trimText } from '../../../domain/trim-text.ts';
import { sumOf } from '../../../operations/thinking/steps-view.ts';
import { formatDateTime, formatSpan } from '../../output/formatting.ts';
import { formatUsage } from '../steps-text.ts';
import { html, type Markup } from './markup.ts';
import { toneOf } from './node-states.ts';

type Trace = TaskView['traces'][number];
type Run = Trace['runs'][number];
type Step = Trace['steps'][number];
type Tool = Step['tools'][number];

/** How much of a text that was asked or answered is shown. Characters. */
const MOST_TEXT = 2_000;
/** How many runs, and how many steps of one run, are shown. What failed comes first. */
const MOST_RUNS = 300;
const MOST_STEPS = 200;

/** A status as a word in its colour. */
export function badge(status: string): Markup {
  return html`<span class="badge ${toneOf(status)}">${status}</span>`;
}

/** A text of somebody else, at most its ends. */
export function excerpt(label: string, text: string | null): Markup | false {
  return (
    text !== null &&
    text !== '' &&
    html`<div class="said"><span class="label">${label}</span><pre>${trimText(text, MOST_TEXT)}</pre></div>`
  );
}

/** The runs of which there is something to read: what they were given, asked and answered. */
export function runSections(trace: Trace, idOf: (path: string) => string): Markup {
  const shown = shownRuns(trace.runs);
  const left = trace.runs.length - shown.length;
  return html`${shown.map((run) => section(run, trace, idOf))}${left > 0 && html`<p class="note">${left} more runs are left out; <code>--json</code> has all of them.</p>`}`;
}

function shownRuns(runs: readonly Run[]): readonly Run[] {
  if (runs.length <= MOST_RUNS) return runs;
  const failed = new Set(
    runs.filter(({ error, status }) => error !== null && status !== 'skipped').slice(0, MOST_RUNS),
  );
  const others = runs.filter((run) => !failed.has(run)).slice(0, MOST_RUNS - failed.size);
  return runs.filter((run) => failed.has(run) || others.includes(run));
}

function section(run: Run, trace: Trace, idOf: (path: string) => string): Markup {
  const { path, agent, status, attempts, error, inputStart, outputStart } = run;
  const steps = trace.steps.filter((step) => step.path === path);
  const tries = attempts > 1 ? `, ${attempts} tries` : '';
  return html`<details class="run" id="${idOf(path)}"${steps.length > 0 && html` open`}><summary><b>${path}</b> ${badge(status)} <span class="note">${agent} ${formatSpan(run.startedAt, run.finishedAt)}${tries}${steps.length > 0 && `, ${formatUsage(sumOf(steps))}`}</span></summary>
${error !== null && html`<p class="fault"><b>${error.code}</b>: ${trimText(error.message, MOST_TEXT)}</p>`}
${excerpt('input', inputStart)}
${steps.slice(0, MOST_STEPS).map((step) => stepBlock(step, steps))}${steps.length > MOST_STEPS && html`<p class="note">${steps.length - MOST_STEPS} more steps are left out.</p>`}
${excerpt('output', outputStart)}</details>`;
}

function stepBlock(step: Step, all: readonly Step[]): Markup {
  const { model, provider, state, attempts, startedAt, finishedAt, answer, fault, finish } = step;
  const calls = attempts > 1 ? `, ${attempts} calls` : '';
  return html`<div class="step"><h4>step ${step.step} ${badge(state)} <span class="note">${model}${provider !== null && ` at ${provider}`}, ${formatSpan(startedAt, finishedAt)}, ${formatUsage(step)}${calls}${finish !== null && `, stopped by ${finish}`}</span></h4>
<p class="note">asked: ${askedOf(step, all)}</p>
${excerpt('answered', answer)}${fault !== null && html`<p class="fault">${trimText(fault, MOST_TEXT)}</p>`}
${step.tools.map(toolBlock)}</div>`;
}

/** What was new in the request: all before it stands above. */
function askedOf({ step }: Step, all: readonly Step[]): string {
  const before = all.filter((each) => each.step < step).at(-1);
  if (before === undefined) return 'its instructions and the input';
  const { length } = before.tools;
  if (length > 0) return `the results of ${length} ${length === 1 ? 'call' : 'calls'} of tools above`;
  return 'to mend its answer, for the fault above';
}

function toolBlock(call: Tool): Markup {
  const { tool, state, startedAt, finishedAt, result } = call;
  const took = startedAt === null ? '' : formatSpan(startedAt, finishedAt);
  return html`<div class="tool"><h5>${tool} ${badge(state)} <span class="note">${took}</span></h5>
${excerpt('arguments', JSON.stringify(call.arguments))}
${decisionLine(call)}
${excerpt('result', result)}</div>`;
}

/** Whether a call was allowed, and what a person said of it. */
export function decisionLine({ decision, approval }: Tool): Markup {
  const said = decision === null ? null : `${textOf(decision.verdict)}: ${textOf(decision.reason)}`;
  return html`${said !== null && html`<p class="decision"><span class="label">decision</span> ${trimText(said, MOST_TEXT)}${typeof decision?.policyVersion === 'number' && ` (policy version ${decision.policyVersion})`}</p>`}
${approval !== null && approvalBlock(approval)}`;
}

function approvalBlock(approval: NonNullable<Tool['approval']>): Markup {
  const { state, request, decision, decidedBy, decidedAt, expiresAt, createdAt } = approval;
  const until =
    decidedAt === null
      ? `, until ${formatDateTime(expiresAt)}`
      : `, ${formatDateTime(decidedAt)} by ${decidedBy ?? 'nobody known'}`;
  return html`<p class="decision"><span class="label">approval</span> ${badge(state)} asked ${formatDateTime(createdAt)}${until}: ${trimText(request.reason, MOST_TEXT)}</p>
${decision?.reason !== undefined && excerpt('reason', decision.reason)}
${decision?.arguments !== undefined && excerpt('approved with', JSON.stringify(decision.arguments))}`;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
