import type { Command } from 'commander';
import type { Json } from '../../domain/json.ts';
import type { ApprovalRecord } from '../../entities/tools/approval-repository.ts';
import type { DecideInput } from '../../operations/approvals/decide.ts';
import type { ApprovalListOptions } from '../../operations/approvals/list.ts';
import { jsonValue } from '../input/json-object.ts';
import { rowId, shortText, taskId, tenantName, wholeNumber } from '../input/option-values.ts';
import { formatAge, formatDateTime, plain } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, given, type TenantOptions, withMuster } from '../session.ts';

interface ListOptions extends TenantOptions, ApprovalListOptions {}

interface DecideOptions extends TenantOptions {
  readonly as?: string;
}

interface ApproveOptions extends DecideOptions {
  readonly arguments?: Json;
}

interface RejectOptions extends DecideOptions {
  readonly reason: string;
}

const TENANT = ['--tenant <tenant>', 'the tenant (default: MUSTER_TENANT, or default)', tenantName] as const;

const AS = ['--as <user>', 'the person who decides, for the audit log (default: client)', shortText] as const;

/** `approvals`, `approve` and `reject`. */
export function addApprovalCommands(program: Command): void {
  program
    .command('approvals')
    .description('list what waits for a person: calls of tools, and what nodes ask')
    .option('--task <task>', 'only of this task', taskId)
    .option('--all', 'those too that were decided, have expired, or are of tasks that have ended')
    .option('--limit <count>', '1 to 500 (default: 50)', wholeNumber({ min: 1, max: 500 }))
    .option(...TENANT)
    .addHelpText('after', '\nExample:\n  muster approvals --json')
    .action(action(list));
  program
    .command('approve')
    .description('approve a call that waits for a person, or what a node asks')
    .argument('<approval>', 'its id')
    .option('--arguments <json>', 'with these arguments, or this input, instead of what was asked for', jsonValue)
    .option(...AS)
    .option(...TENANT)
    .addHelpText('after', APPROVE_EXAMPLES)
    .action(action((id: string, options: ApproveOptions) => approve(rowId(id, 'approval'), options)));
  program
    .command('reject')
    .description('refuse a call that waits for a person, or what a node asks; the reason is told')
    .argument('<approval>', 'its id')
    .requiredOption('--reason <text>', 'why', shortText)
    .option(...AS)
    .option(...TENANT)
    .addHelpText(
      'after',
      '\nExample:\n  muster reject 019ab3c4-5d6e-7f80-9123-456789abcdef --reason "paid back already"',
    )
    .action(action((id: string, options: RejectOptions) => reject(rowId(id, 'approval'), options)));
}

const APPROVE_EXAMPLES = `
Examples:
  muster approve 019ab3c4-5d6e-7f80-9123-456789abcdef
  muster approve 019ab3c4-5d6e-7f80-9123-456789abcdef --arguments '{"order":"A-17","amount":20}'`;

async function list(options: ListOptions): Promise<void> {
  const { task, all, limit } = options;
  const approvals = await withMuster(options, (muster) => muster.call('approvals.list', given({ task, all, limit })));
  const none = all === true ? 'Nobody was asked.' : 'Nothing waits for a person.';
  new Output(options).result(approvals, (colors) =>
    approvals.length === 0 ? none : approvals.map((approval) => describe(approval, colors)).join('\n\n'),
  );
}

/** The arguments in full: who approves must have seen what. */
function describe(approval: ApprovalRecord, colors: Colors): string {
  const { id, agent, tool, taskId: task, path, request, createdAt, expiresAt } = approval;
  const behalf = request.onBehalfOf.length === 0 ? '' : ` for ${request.onBehalfOf.join(', ')}`;
  const call = `${plain(agent)}${plain(behalf)} wants to call ${colors.bold(plain(tool ?? ''))} (${request.risk})`;
  return [
    `${colors.bold(id)}  ${stateOf(approval)}`,
    `  ${tool === null ? colors.bold(plain(request.reason)) : call}`,
    `  ${plain(JSON.stringify(request.arguments))}`,
    `  task ${task} at ${path}, asked ${formatAge(createdAt)}, until ${formatDateTime(expiresAt)}`,
  ].join('\n');
}

function stateOf({ state, decidedBy, decision }: ApprovalRecord): string {
  if (state === 'waiting') return 'waits';
  const why = decision?.reason === undefined ? '' : `: ${plain(decision.reason)}`;
  const edited = decision?.arguments === undefined ? '' : ` with ${plain(JSON.stringify(decision.arguments))}`;
  return `${state} by ${plain(decidedBy ?? '')}${edited}${why}`;
}

async function approve(id: string, options: ApproveOptions): Promise<void> {
  const { arguments: edited } = options;
  const how = edited === undefined ? '' : ' with other arguments';
  const decision = { id, verdict: 'approve', ...(edited === undefined ? {} : { arguments: edited }) } as const;
  await decide(decision, options, ({ agent, tool, path }) => {
    if (tool !== null) return `Approved${how}: ${agent} may call ${tool} now.`;
    return edited === undefined ? `Approved: ${path} continues.` : `Approved with changes: ${path} continues.`;
  });
}

async function reject(id: string, options: RejectOptions): Promise<void> {
  const decision = { id, verdict: 'reject', reason: options.reason } as const;
  await decide(decision, options, ({ agent, tool, path }) =>
    tool === null ? `Rejected: ${path} fails.` : `Rejected: ${agent} reads why, and does not call ${tool}.`,
  );
}

async function decide(
  decision: DecideInput,
  options: DecideOptions,
  text: (approval: ApprovalRecord) => string,
): Promise<void> {
  const { as: person } = options;
  const approval = await withMuster(options, (muster) =>
    (person === undefined ? muster : muster.as(person)).call('approvals.decide', decision),
  );
  new Output(options).result(approval, () => plain(text(approval)));
}
