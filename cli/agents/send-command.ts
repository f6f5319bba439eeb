import type { Command } from 'commander';
import type { Muster } from '../../client.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { MAX_PAYLOAD_BYTES } from '../../domain/messaging/envelope.ts';
import { SENDABLE_TYPES, type SendableType } from '../../domain/messaging/received-message.ts';
import { WrongUsage } from '../cli-errors.ts';
import { readObject } from '../input/json-object.ts';
import {
  fileName,
  type MessagePriority,
  messagePriority,
  oneOf,
  shortText,
  tenantName,
  wholeNumber,
} from '../input/option-values.ts';
import { formatOutput } from '../output/formatting.ts';
import { Output } from '../output/output.ts';
import { action, given, type TenantOptions, withMuster } from '../session.ts';

interface SendOptions extends TenantOptions {
  readonly type?: SendableType;
  readonly priority?: MessagePriority;
  readonly request?: boolean;
  readonly timeout?: number;
  readonly broadcast?: boolean;
  readonly data?: string;
  readonly file?: string;
}

export function addSendCommand(program: Command): void {
  program
    .command('send')
    .description('send a message to an agent; it is delivered when the agent is available')
    .argument('[agent]', 'its name; `muster agents` lists them', shortText)
    .option('--type <type>', SENDABLE_TYPES.join(', '), oneOf(SENDABLE_TYPES))
    .option('--priority <priority>', 'critical, high, normal or low (default: normal)', messagePriority)
    .option('--request', 'wait for the answer and print it')
    .option(
      '--timeout <seconds>',
      'with --request: how long to wait (default: 10)',
      wholeNumber({ min: 1, max: 3_600 }),
    )
    .option('--broadcast', 'to every agent that is alive, instead of one')
    .option('--data <json>', 'what it says, as a JSON object (default: {})')
    .option('--file <file>', 'the same from a file; - reads standard input', fileName)
    .option('--tenant <tenant>', 'the tenant (default: MUSTER_TENANT, or default)', tenantName)
    .addHelpText('after', EXAMPLES)
    .action(action(send));
}

const EXAMPLES = `
Examples:
  muster send archivist --data '{"store":"minutes.md"}' --priority high
  muster send calendar --request --data '{"day":"2026-11-23"}'
  muster send --broadcast --data '{"notice":"maintenance at noon"}'`;

async function send(agent: string | undefined, options: SendOptions): Promise<void> {
  refuseMixture(agent, options);
  const payload = await readObject(options, MAX_PAYLOAD_BYTES);
  const output = new Output(options);
  await withMuster(options, async (muster) => {
    if (agent === undefined) return broadcast(muster, { payload, options, output });
    if (options.request === true) return request(muster, { to: agent, payload, options, output });
    const sent = await muster.messages.send(agent, payload, headOf(options));
    output.result(
      { messageId: sent.id, duplicate: sent.duplicate },
      () => `message ${sent.id} is on its way to ${agent}.`,
    );
  });
}

interface Sending {
  readonly payload: JsonObject;
  readonly options: SendOptions;
  readonly output: Output;
}

async function request(muster: Muster, { to, payload, options, output }: Sending & { to: string }): Promise<void> {
  const timeout = given({ timeoutMs: options.timeout === undefined ? undefined : options.timeout * 1_000 });
  const answer: Json = await muster.messages.request(to, payload, { ...headOf(options), ...timeout });
  output.result({ agent: to, answer }, () => formatOutput(answer, '--json has all of it'));
}

async function broadcast(muster: Muster, { payload, options, output }: Sending): Promise<void> {
  const { id, receipts } = await muster.messages.broadcast(payload, headOf(options));
  output.result({ broadcastId: id, receipts }, () => {
    if (receipts.length === 0) return 'No living agent takes messages; nothing was sent.';
    const names = receipts.map((receipt) => receipt.agent).join(', ');
    return `broadcast ${id} is on its way to ${receipts.length} agents: ${names}.`;
  });
}

function headOf({ type, priority }: SendOptions) {
  return given({ type, priority });
}

/** @throws WrongUsage */
function refuseMixture(agent: string | undefined, { broadcast: toAll, request: asks, timeout }: SendOptions) {
  if ((agent === undefined) !== (toAll === true)) {
    throw new WrongUsage('Name one agent, or give --broadcast. `muster agents` lists the agents.');
  }
  if (toAll === true && asks === true)
    throw new WrongUsage('--request asks one agent and does not go with --broadcast.');
  if (timeout !== undefined && asks !== true) throw new WrongUsage('--timeout goes with --request.');
}
