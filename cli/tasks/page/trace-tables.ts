import type { TaskView } from '../../../client.ts';
import { moneyText } from '../../../domain/budgets/amounts.ts';
import { trimText } from '../../../domain/trim-text.ts';
import { sumOf, type UsageView } from '../../../operations/thinking/steps-view.ts';
import { formatDateTime, formatTime } from '../../output/formatting.ts';
import { html, type Markup } from './markup.ts';
import { badge, decisionLine, excerpt } from './run-sections.ts';

type Trace = TaskView['traces'][number];

/** How many events are shown at each end of a long list, and how much of an event's data. */
const EVENTS_AT_EACH_END = 500;
const MOST_DATA = 300;

/** Tokens and money of each thinking run, and in all. */
export function costs({ steps, usage }: Trace): Markup | false {
  if (steps.length === 0) return false;
  const runs = [...Map.groupBy(steps, ({ path }) => path)];
  const titles = ['run', 'models', 'calls', 'input', 'of it cached', 'output', 'of it reasoning', 'money'];
  return html`<h3>Costs</h3><div class="scroll"><table class="numbers"><thead><tr>${titles.map((title) => html`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>${runs.map(([path, own]) => costRow(path, own, sumOf(own)))}</tbody>
<tfoot>${costRow('all', steps, usage)}</tfoot></table></div>`;
}

function costRow(name: string, steps: Trace['steps'], usage: UsageView): Markup {
  const models = [...new Set(steps.map(({ model }) => model))].join(', ');
  const calls = steps.reduce((sum, { attempts }) => sum + attempts, 0);
  const tokens = [usage.inputTokens, usage.cachedTokens, usage.outputTokens, usage.reasoningTokens];
  return html`<tr><th scope="row">${name}</th><td>${models}</td><td>${calls}</td>${tokens.map((count) => html`<td>${count.toLocaleString('en')}</td>`)}<td>${moneyText(usage.costMicros)}</td></tr>`;
}

/** What was decided of calls of tools: by the rules, and by people. */
export function decisions({ steps }: Trace): Markup | false {
  const decided = steps.flatMap(({ path, step, tools }) => {
    return tools
      .filter((tool) => tool.decision !== null || tool.approval !== null)
      .map((tool) => ({ path, step, tool }));
  });
  if (decided.length === 0) return false;
  return html`<h3>Decisions</h3>${decided.map(({ path, step, tool }) => html`<div class="tool"><h5>${tool.tool} <span class="note">${path}, step ${step}</span></h5>${decisionLine(tool)}</div>`)}`;
}

/** What the nodes of a trace sent to other agents. */
export function messages({ messages: sent }: Trace): Markup | false {
  if (sent.length === 0) return false;
  return html`<h3>Messages</h3>${sent.map(
    ({
      from,
      to,
      type,
      status,
      payload,
      result,
      sentAt,
      deadReason,
    }) => html`<div class="tool"><h5>${from ?? 'a program'} → ${to ?? 'everybody'} ${badge(status)} <span class="note">${type}, ${formatTime(sentAt)}</span></h5>
${excerpt('payload', JSON.stringify(payload))}${excerpt('result', result === null ? null : JSON.stringify(result))}${deadReason !== null && html`<p class="fault">${deadReason}</p>`}</div>`,
  )}`;
}

/** The log of a trace; of a long one both ends. */
export function events({ events: all }: Trace): Markup {
  const isLong = all.length > EVENTS_AT_EACH_END * 2;
  const shown = isLong ? [...all.slice(0, EVENTS_AT_EACH_END), ...all.slice(-EVENTS_AT_EACH_END)] : all;
  return html`<details><summary><b>Events</b> <span class="note">${all.length}${isLong && `, ${all.length - shown.length} in the middle are left out`}</span></summary>
<div class="scroll"><table class="events"><tbody>${shown.map(({ seq, type, path, data, at }) => html`<tr><td>${seq}</td><td>${formatDateTime(at).slice(0, 11)}${formatTime(at)}</td><td>${type}</td><td>${path ?? ''}</td><td class="data">${data === null ? '' : trimText(JSON.stringify(data), MOST_DATA)}</td></tr>`)}</tbody></table></div></details>`;
}
