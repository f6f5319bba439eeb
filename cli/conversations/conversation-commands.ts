import type { Command } from 'commander';
import type { Muster } from '../../client.ts';
import { speakingAgent } from '../../domain/conversations/history.ts';
import { BUSY_POLICIES } from '../../domain/conversations/turn-state.ts';
import type { TurnRecord } from '../../entities/conversations/conversation-turn-repository.ts';
import type { AppendedInput, AppendOptions } from '../../operations/conversations/append.ts';
import type { ConversationView } from '../../operations/conversations/view.ts';
import { Interrupted } from '../cli-errors.ts';
import { oneOf, shortText, tenantName, wholeNumber } from '../input/option-values.ts';
import { type Column, formatDateTime, formatTable, plain, plainLines, shorten } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, given, type TenantOptions, untilInterrupted, withMuster } from '../session.ts';
import { tellWaits } from '../tasks/wait-for-task.ts';

interface SayOptions extends TenantOptions, AppendOptions {
  readonly wait?: boolean;
}

interface ListOptions extends TenantOptions {
  readonly limit?: number;
}

const TENANT = ['--tenant <tenant>', 'the tenant (default: MUSTER_TENANT, or default)', tenantName] as const;

/** `say` and `conversations`. */
export function addConversationCommands(program: Command): void {
  program
    .command('say')
    .description('say something in a conversation; its turn comes when those before it have ended')
    .argument('<conversation>', 'its name', shortText)
    .argument('<text>', 'what is said')
    .option('--wait', 'print the reply')
    .option(
      '--on-busy <policy>',
      `while a turn runs: ${BUSY_POLICIES.join(', ')} (default: enqueue)`,
      oneOf(BUSY_POLICIES),
    )
    .option(
      '--graph <graph>',
      'the graph of its turns (default: that of the turn before, or conversation-turn)',
      shortText,
    )
    .option('--user <user>', 'who says it', shortText)
    .option('--key <key>', 'the same key in the same conversation is the same input', shortText)
    .option(...TENANT)
    .addHelpText('after', '\nExample:\n  muster say desk-17 "Where is my order?" --wait')
    .action(action(say));
  program
    .command('conversations')
    .description('list the conversations, or show the last turns of one')
    .argument('[conversation]', 'its name', shortText)
    .option('--limit <count>', '1 to 500 (default: 50)', wholeNumber({ min: 1, max: 500 }))
    .option(...TENANT)
    .action(action(show));
}

async function say(conversation: string, text: string, options: SayOptions): Promise<void> {
  const { graph, user, key, onBusy, wait = false } = options;
  const output = new Output(options);
  await withMuster(options, async (muster) => {
    const said = await muster.conversation(conversation).say(text, given({ graph, user, key, onBusy }));
    const { answer, ...appended } = said;
    if (!wait) return output.result(appended, () => whenItComes(appended));
    const ended = new AbortController();
    void tellWaitsOf(muster, conversation, { appended, output, signal: ended.signal });
    const turn = await untilInterrupted(answer(), () => {
      throw new Interrupted(
        `Stopped waiting; \`muster conversations ${conversation}\` shows the reply once it is there.`,
      );
    }).finally(() => ended.abort());
    return output.result(turn, () => replyOf(turn));
  });
}

/** Reports what the task of the turn waits for, or that of the turn which runs before it. */
async function tellWaitsOf(
  muster: Muster,
  conversation: string,
  { appended, output, signal }: { appended: AppendedInput; output: Output; signal: AbortSignal },
): Promise<void> {
  const running = async () =>
    (await muster.conversation(conversation).view()).turns.find(({ state }) => state === 'running')?.taskId ?? null;
  // While a store is unavailable this is unknown; the code that waits for the answer reports the outage.
  const taskId = appended.taskId ?? (await running().catch(() => null));
  if (taskId !== null) await tellWaits(muster.task(taskId), output, signal);
}

function whenItComes({
  turn,
  ahead,
  taskId,
  duplicate,
}: {
  turn: number;
  ahead: number;
  taskId: string | null;
  duplicate: boolean;
}) {
  const known = duplicate ? ' It had been said before.' : '';
  if (ahead > 0) return `Turn ${turn} comes after ${ahead} ${ahead === 1 ? 'other' : 'others'}.${known}`;
  return `Turn ${turn} is carried out by task ${taskId ?? ''}.${known}`;
}

/** The reply alone, for a turn that has one. */
function replyOf({ state, reply, error }: TurnRecord): string {
  const said = reply === null ? '' : plainLines(reply);
  if (state === 'answered') return said;
  if (state === 'failed') return `Failed: ${plain(error?.message ?? 'no reason was recorded')}`;
  return [said, `(${state.replace('_', ' ')})`].join('\n').trim();
}

async function show(conversation: string | undefined, options: ListOptions): Promise<void> {
  const output = new Output(options);
  const limit = given({ limit: options.limit });
  await withMuster(options, async (muster) => {
    if (conversation === undefined) {
      const found = await muster.operations.conversations.list(limit);
      const none = 'No conversations yet. Start one with `muster say`.';
      return output.result(found, (colors) => (found.length === 0 ? none : listed(found, colors)));
    }
    const view = await muster.conversation(conversation).view(limit);
    return output.result(view, (colors) => view.turns.map((turn) => turnText(turn, colors)).join('\n'));
  });
}

function listed(found: readonly ConversationView[], colors: Colors): string {
  const columns: Column<ConversationView>[] = [
    { title: 'conversation', of: ({ id }) => shorten(id, 40) },
    { title: 'turns', of: ({ turnCount }) => String(turnCount), align: 'right' },
    { title: 'graph', of: ({ graph }) => graph },
    { title: 'user', of: ({ user }) => shorten(user ?? '', 24) },
    { title: 'last', of: ({ updatedAt }) => formatDateTime(updatedAt) },
  ];
  return formatTable(found, columns, colors);
}

function turnText(turn: TurnRecord, colors: Colors): string {
  const { number, user, text, state } = turn;
  const speaker = speakingAgent(turn) ?? user ?? 'user';
  const asked = `${colors.dim(`${number}`)} ${colors.bold(plain(speaker))}: ${plainLines(text)}`;
  const isOpen = state === 'queued' || state === 'running';
  return `${asked}\n  ${isOpen ? colors.dim(`(${state})`) : replyOf(turn)}`;
}
