import { runCommand } from '../../cli/run-command.ts';
import { END, type HostedCommand } from './hosted-commands.ts';

/** Runs the commands that its parent sends, one after another, each with variables of its own. */
async function carryOut({ args, environment }: HostedCommand): Promise<void> {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, environment);
  process.exitCode = 0;
  await runCommand(args);
  process.stdout.write(END);
  process.stderr.write(END);
  process.send?.(process.exitCode);
}

process.on('message', (command: HostedCommand) => void carryOut(command));
process.on('disconnect', () => process.exit());
