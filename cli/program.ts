import { Command, CommanderError } from 'commander';
import { addAgentsCommand } from './agents/agents-command.ts';
import { addMessagesCommand } from './agents/message-commands.ts';
import { addSendCommand } from './agents/send-command.ts';
import { addBudgetsCommand } from './budgets/budget-commands.ts';
import { WrongUsage } from './cli-errors.ts';
import { addConversationCommands } from './conversations/conversation-commands.ts';
import { addEvalCommand } from './evals/eval-command.ts';
import { addGraphsCommand } from './graphs/graph-commands.ts';
import { addInstallationCommands } from './installation/installation-commands.ts';
import { addRetentionCommand } from './installation/retention-command.ts';
import { addWorkerCommand } from './installation/worker-command.ts';
import { addModelsCommand } from './models/models-commands.ts';
import { addCallCommand, addOperationsCommand } from './operations/operation-commands.ts';
import { PACKAGE } from './package.ts';
import { addRunCommand } from './programs/run-program.ts';
import { addLimitsCommand } from './queue/limits-commands.ts';
import { addQueueCommand } from './queue/queue-commands.ts';
import { addStartCommand } from './start/start-command.ts';
import { addAnswerCommand } from './tasks/answer-command.ts';
import { addControlCommands } from './tasks/control-commands.ts';
import { addDeadLetterCommands } from './tasks/dead-letter-commands.ts';
import { addDoubtsCommand } from './tasks/doubts-command.ts';
import { addTasksCommand } from './tasks/list-commands.ts';
import { addShowCommand } from './tasks/show-command.ts';
import { addSubmitCommand } from './tasks/submit-command.ts';
import { addWatchCommand } from './tasks/watch-command.ts';
import { addWhyCommand } from './tasks/why-command.ts';
import { addTemplatesCommand } from './templates/template-commands.ts';
import { addApprovalCommands } from './tools/approval-commands.ts';
import { addGrantsCommand } from './tools/grant-commands.ts';
import { addToolsCommand } from './tools/tools-command.ts';
import { addDiffCommand } from './traces/diff-command.ts';
import { addExportCommand } from './traces/export-command.ts';
import { addForkCommand } from './traces/fork-command.ts';
import { addImportCommand } from './traces/import-command.ts';
import { addReplayCommand } from './traces/replay-command.ts';
import { addVerifyCommand } from './traces/verify-command.ts';

/** The command line of `muster`: every command with its arguments and options. Parsing it runs the command. */
export function createProgram(): Command {
  const program = new Command('muster')
    .description('Runs agent graphs durably, on Temporal, PostgreSQL and Redis.')
    .version(PACKAGE.version, '-V, --version', 'print the version')
    .option('--json', 'print data for programs, one JSON value a line')
    .helpOption('-h, --help', 'explain a command')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    // The caller reports faults in one sentence; see usageSentence.
    .configureOutput({ writeErr: () => undefined });
  for (const add of ADD_COMMANDS) add(program);
  program.addHelpText('after', '\nExit codes: 0 done, 1 failed with the reason, 2 not understood.');
  for (const command of withSubcommands(program)) {
    command.exitOverride((error) => {
      throw translate(error, command);
    });
  }
  return program;
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

const ADD_COMMANDS = [
  addStartCommand,
  addInstallationCommands,
  addWorkerCommand,
  addRunCommand,
  addSubmitCommand,
  addShowCommand,
  addWhyCommand,
  addWatchCommand,
  addControlCommands,
  addAnswerCommand,
  addTasksCommand,
  addGraphsCommand,
  addTemplatesCommand,
  addEvalCommand,
  addConversationCommands,
  addAgentsCommand,
  addMessagesCommand,
  addSendCommand,
  addQueueCommand,
  addLimitsCommand,
  addBudgetsCommand,
  addModelsCommand,
  addDeadLetterCommands,
  addForkCommand,
  addDiffCommand,
  addReplayCommand,
  addVerifyCommand,
  addExportCommand,
  addImportCommand,
  addApprovalCommands,
  addGrantsCommand,
  addToolsCommand,
  addDoubtsCommand,
  addRetentionCommand,
  addCallCommand,
  addOperationsCommand,
] as const;

function translate(error: CommanderError, command: Command): Error {
  return error.exitCode === 0 ? error : new WrongUsage(usageSentence(error, command));
}

/** The library's error as one sentence that says what to do. */
function usageSentence(error: CommanderError, command: Command): string {
  const called = calledAs(command);
  if (error.code === 'commander.help') {
    const names = command.commands.map((known) => known.name()).join(', ');
    return `Expected a command: ${names}. \`muster --help\` explains them.`;
  }
  const sentence = FAULTS.reduce((text, [pattern, words]) => text.replace(pattern, words), error.message);
  const first = sentence.charAt(0).toUpperCase() + sentence.slice(1);
  return `${first}${/[.?]$/.test(first) ? '' : '.'} \`${called} --help\` shows how it is used.`;
}

/** The words that call a command: `muster queue pause`. */
function calledAs(command: Command): string {
  return command.parent === null ? 'muster' : `${calledAs(command.parent)} ${command.name()}`;
}

/** Turns the library's wording into ours. */
const FAULTS: readonly (readonly [RegExp, string])[] = [
  [/^error: /, ''],
  [/^option '(?:-\w, )?(--[\w-]+).*?' argument '(.*)' is invalid\. /s, '"$2" cannot be the value of $1. '],
  [/^command-argument value '(.*)' is invalid for argument '(.*?)'\. /s, '"$1" cannot be the argument $2. '],
  [/^option '(?:-\w, )?(--[\w-]+).*' argument missing$/, 'The option $1 needs a value after it'],
  [/^missing required argument '(.*)'$/, 'The argument $1 is missing'],
  [/\n?\(Did you mean one of (.*)\?\)$/s, '; did you mean one of $1?'],
  [/\n?\(Did you mean (.*)\?\)$/s, '; did you mean $1?'],
  [/\s*\n\s*/g, ' '],
];

/** True for what the library throws after it has printed help or the version, as asked. */
export function isHelpShown(error: unknown): boolean {
  return error instanceof CommanderError && error.exitCode === 0;
}
