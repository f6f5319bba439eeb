import type { Command } from 'commander';
import { questionFor } from '../../domain/graphs/entities.ts';
import type { Json } from '../../domain/json.ts';
import type { AnsweredView } from '../../operations/waits/answer.ts';
import type { WaitView } from '../../operations/waits/list.ts';
import { WrongUsage } from '../cli-errors.ts';
import { jsonValue } from '../input/json-object.ts';
import { shortText, taskId, tenantName } from '../input/option-values.ts';
import { formatDateTime, plain } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, given, type TenantOptions, withMuster } from '../session.ts';

interface AnswerOptions extends TenantOptions {
  readonly path?: string;
  readonly as?: string;
}

/** `answer`: what a node asks for, and the values for it. */
export function addAnswerCommand(program: Command): void {
  program
    .command('answer')
    .description('answer what a node of a task asks for; without values, list what is asked')
    .argument('<task>', "the task's id", taskId)
    .argument('[values...]', 'name=text, or name:=JSON for a number, true or false')
    .option('--path <path>', 'the run that asks (default: the only one)', shortText)
    .option('--as <user>', 'the person who answers, for the audit log (default: client)', shortText)
    .option('--tenant <tenant>', 'its tenant (default: MUSTER_TENANT, or default)', tenantName)
    .addHelpText('after', EXAMPLES)
    .action(action(answer));
}

const EXAMPLES = `
Examples:
  muster answer 019ab3c4-5d6e-7f80-9123-456789abcdef
  muster answer 019ab3c4-5d6e-7f80-9123-456789abcdef order=A-17 insured:=false`;

async function answer(id: string, written: readonly string[], options: AnswerOptions): Promise<void> {
  const output = new Output(options);
  const { path, as: person } = options;
  if (written.length === 0) {
    const waits = await withMuster(options, (muster) => muster.call('tasks.waits', { id }));
    output.result(waits, (colors) => describeWaits(id, waits, colors));
    return;
  }
  const values = Object.fromEntries(written.map(readValue));
  const view = await withMuster(options, (muster) =>
    (person === undefined ? muster : muster.as(person)).call('tasks.answer', { id, values, ...given({ path }) }),
  );
  output.result(view, () => describeAnswer(view));
}

const VALUE = /^([^=:]+)(:?=)(.*)$/s;

/** @throws WrongUsage */
function readValue(written: string): readonly [name: string, value: Json] {
  const [, name = '', how = '', value = ''] = VALUE.exec(written) ?? [];
  if (name === '') throw new WrongUsage(`Expected name=value, found "${written}".`);
  return [name, how === ':=' ? jsonValue(value) : value];
}

function describeWaits(id: string, waits: readonly WaitView[], colors: Colors): string {
  const asking = waits.filter(({ missing }) => missing.length > 0);
  if (asking.length === 0)
    return `No node of this task is waiting for an answer. \`muster why ${id}\` says what it waits for.`;
  return asking.map((wait) => describeAsking(wait, colors)).join('\n\n');
}

function describeAsking({ path, missing, until, known }: WaitView, colors: Colors): string {
  const when = until === null ? '' : `, until ${formatDateTime(until)}`;
  const asked = missing.map(({ name, description }) =>
    `  ${colors.bold(plain(name))}  ${plain(description)}`.trimEnd(),
  );
  return [`${plain(path)} asks for${when}:`, ...asked, colors.dim(`  it has ${plain(JSON.stringify(known))}`)].join(
    '\n',
  );
}

function describeAnswer({ path, missing }: AnsweredView): string {
  return plain(
    missing.length === 0 ? `Answered: ${path} continues.` : `Noted. ${path} still asks for ${questionFor(missing)}.`,
  );
}
