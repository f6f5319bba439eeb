import type { Command } from 'commander';
import type { JsonObject } from '../../domain/json.ts';
import type { GrantRecord } from '../../entities/tools/grant-repository.ts';
import type { GrantView, PolicyView } from '../../operations/grants/policy.ts';
import { jsonValue } from '../input/json-object.ts';
import { comingMoment, rowId, shortText, tenantName, wholeNumber } from '../input/option-values.ts';
import { type Column, formatDateTime, formatTable, plain, shorten } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, given, type TenantOptions, withMuster } from '../session.ts';

interface AllowOptions extends TenantOptions {
  readonly where?: JsonObject;
  readonly approval?: boolean;
  readonly perTask?: number;
  readonly perHour?: number;
  readonly expires?: Date;
}

const TENANT = ['--tenant <tenant>', 'the tenant (default: MUSTER_TENANT, or default)', tenantName] as const;

/** `grants`, `grants allow` and `grants revoke`. */
export function addGrantsCommand(program: Command): void {
  const grants = program
    .command('grants')
    .description('show which agents may use which tools, and what the tenant rules about all others')
    .option(...TENANT)
    .addHelpText('after', EXAMPLES)
    .action(action(show));
  grants
    .command('allow')
    .description('let an agent use a tool; applies to its next call')
    .argument('<agent>', 'the name of a thinking agent', shortText)
    .argument('<tool>', 'the name of a tool, or of an operation like messages.send', shortText)
    .option('--where <schema>', 'only with arguments that fit this JSON Schema', jsonValue)
    .option('--approval', 'a person decides on each call')
    .option('--per-task <count>', 'at most so many calls in a task', wholeNumber({ min: 1, max: 1_000_000 }))
    .option('--per-hour <count>', 'at most so many calls in an hour', wholeNumber({ min: 1, max: 1_000_000 }))
    .option('--expires <moment>', 'until then: in 30m, 2h or 7d, or a time like 2026-12-01T09:00', comingMoment)
    .option(...TENANT)
    .addHelpText('after', EXAMPLES)
    .action(action(allow));
  grants
    .command('revoke')
    .description('end a grant; calls that were approved by it and not made yet are refused')
    .argument('<grant>', 'its id')
    .option(...TENANT)
    .addHelpText('after', '\nExample:\n  muster grants revoke 019ab3c4-5d6e-7f80-9123-456789abcdef')
    .action(action((id: string, options: TenantOptions) => revoke(rowId(id, 'grant'), options)));
}

const EXAMPLES = `
Examples:
  muster grants allow triage refund --approval --per-task 1
  muster grants allow triage refund --expires 2h --where \\
    '{"type":"object","required":["amount"],"properties":{"amount":{"type":"number","maximum":50}}}'`;

async function show(options: TenantOptions): Promise<void> {
  const [grants, policy] = await withMuster(options, (muster) =>
    Promise.all([muster.call('grants.list', { limit: 500 }), muster.call('grants.policy', {})]),
  );
  new Output(options).result({ grants, policy }, (colors) =>
    [policyText(policy), grants.length === 0 ? 'No tool is granted.' : formatGrants(grants, colors)].join('\n\n'),
  );
}

function policyText({ version, policy, faults }: PolicyView): string {
  if (policy === null) return `The tool policy cannot be used, and every call is denied: ${faults.join('; ')}.`;
  const rules = [...Object.entries(policy.risks), ...Object.entries(policy.tools)];
  return [`policy version ${version}`, ...rules.map(([name, rule]) => `  ${rule.padEnd(5)}  ${name}`)].join('\n');
}

function formatGrants(grants: readonly GrantView[], colors: Colors): string {
  const columns: Column<GrantView>[] = [
    { title: 'grant', of: ({ id }) => id },
    { title: 'agent', of: ({ agent }) => agent },
    { title: 'tool', of: ({ tool }) => tool },
    { title: 'state', of: ({ changed }) => (changed ? 'changed' : ''), paint: colors.red },
    { title: 'limits', of: limitsOf },
    { title: 'where', of: ({ condition }) => (condition === null ? '' : shorten(JSON.stringify(condition), 60)) },
    { title: 'by', of: ({ grantedBy }) => grantedBy },
  ];
  return formatTable(grants, columns, colors);
}

function limitsOf({ approval, perTask, perHour, expiresAt }: GrantRecord): string {
  const limits = [
    ...(approval ? ['with approval'] : []),
    ...(perTask === null ? [] : [`${perTask} a task`]),
    ...(perHour === null ? [] : [`${perHour} an hour`]),
    ...(expiresAt === null ? [] : [`until ${formatDateTime(expiresAt)}`]),
  ];
  return limits.join(', ');
}

async function allow(agent: string, tool: string, options: AllowOptions): Promise<void> {
  const { where, approval, perTask, perHour, expires: expiresAt } = options;
  const input = { agent, tool, ...given({ where, approval, perTask, perHour, expiresAt }) };
  const change = await withMuster(options, (muster) => muster.call('grants.allow', input));
  const { grant } = change;
  const limits = limitsOf(grant);
  const how = limits === '' ? '' : ` ${limits}`;
  new Output(options).result(change, (colors) =>
    [
      ...change.warnings.map((warning) => colors.yellow(plain(warning))),
      `${agent} may use ${tool}${how}: grant ${grant.id}.`,
    ].join('\n'),
  );
}

async function revoke(id: string, options: TenantOptions): Promise<void> {
  const change = await withMuster(options, (muster) => muster.call('grants.revoke', { id }));
  const { agent, tool } = change.grant;
  new Output(options).result(change, () => `${agent} may not use ${tool} by the grant ${id} any more.`);
}
