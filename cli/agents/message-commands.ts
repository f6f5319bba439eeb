import type { Command } from 'commander';
import type { Messages } from '../../client.ts';
import { MESSAGE_STATUSES } from '../../domain/messaging/message-status.ts';
import type { MessageFilter } from '../../entities/messaging/message-repository.ts';
import { messageId, oneOf, shortText, tenantName, wholeNumber } from '../input/option-values.ts';
import { type Column, formatAge, formatTable, paintStatus, shorten } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, given, type TenantOptions, withMuster } from '../session.ts';

type Message = Awaited<ReturnType<Messages['list']>>[number];

type MessagesOptions = TenantOptions & Partial<Pick<MessageFilter, 'agent' | 'status' | 'limit'>>;

/** `messages` and `messages redrive`. */
export function addMessagesCommand(program: Command): void {
  const messages = program
    .command('messages')
    .description('list the newest messages between agents')
    .option('--agent <agent>', 'only those from or to this agent', shortText)
    .option('--status <status>', MESSAGE_STATUSES.join(', '), oneOf(MESSAGE_STATUSES))
    .option('--limit <count>', '1 to 1000 (default: 50)', wholeNumber({ min: 1, max: 1_000 }))
    .option('--tenant <tenant>', 'the tenant (default: MUSTER_TENANT, or default)', tenantName)
    .addHelpText('after', EXAMPLES)
    .action(action(list));
  messages
    .command('redrive')
    .description('give dead messages another five deliveries')
    .argument('<message...>', 'their ids')
    .addHelpText('after', '\nExample:\n  muster messages redrive 019ab3c4-5d6e-7f80-9123-456789abcdef')
    .action(action((ids: string[], options: TenantOptions) => redrive(ids.map(messageId), options)));
}

const EXAMPLES = `
Examples:
  muster messages --agent archivist
  muster messages --status dead --json`;

async function list(options: MessagesOptions): Promise<void> {
  const { agent, status, limit } = options;
  const filter = given({ agent, status, limit });
  const found = await withMuster(options, (muster) => muster.messages.list(filter));
  const isFiltered = agent !== undefined || status !== undefined;
  const none = isFiltered ? 'No such message.' : 'No message yet. `muster send AGENT` sends one.';
  new Output(options).result(found, (colors) => (found.length === 0 ? none : formatMessages(found, colors)));
}

function formatMessages(found: readonly Message[], colors: Colors): string {
  const columns: Column<Message>[] = [
    { title: 'message', of: ({ id }) => id },
    { title: 'status', of: ({ status }) => status, paint: (text) => paintStatus(text, colors) },
    { title: 'type', of: ({ type }) => type },
    { title: 'priority', of: ({ priority }) => String(priority), align: 'right' },
    { title: 'from', of: ({ from }) => from ?? '-' },
    { title: 'to', of: ({ to }) => to ?? '-' },
    { title: 'sent', of: ({ sentAt }) => formatAge(sentAt), align: 'right' },
    { title: 'tries', of: ({ attempts }) => String(attempts), align: 'right' },
    { title: 'says', of: ({ deadReason, payload }) => shorten(deadReason ?? JSON.stringify(payload), 60) },
  ];
  return formatTable(found, columns, colors);
}

async function redrive(ids: readonly string[], options: TenantOptions): Promise<void> {
  const report = await withMuster(options, async (muster) => {
    const outcomes = [];
    for (const id of ids) outcomes.push({ messageId: id, outcome: await muster.messages.redrive(id) });
    return outcomes;
  });
  new Output(options).result(report, () =>
    report.map(({ messageId: id, outcome }) => `message ${id} ${OUTCOMES[outcome]}`).join('\n'),
  );
}

const OUTCOMES: Readonly<Record<Awaited<ReturnType<Messages['redrive']>>, string>> = {
  redriven: 'will be delivered again.',
  not_dead: 'is not dead and was not changed.',
  expired: 'has expired and stays dead.',
  refused: 'was refused because of its signature or its sender, and stays dead.',
};
