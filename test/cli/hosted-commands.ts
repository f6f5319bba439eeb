import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { bareEnvironment } from '../support/bare-environment.ts';
import { type CliOptions, type CliResult, cliEnvironment } from './run-cli.ts';

export interface HostedCommand {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** What the host writes to both streams behind the output of a command; no command prints it. */
export const END = '\0';

const HOST = fileURLToPath(new URL('./command-host.ts', import.meta.url));

/**
 * Runs commands one after another in one other process, which spares each of them the start of Node and the loading of
 * the client. For commands that end by themselves and read no standard input.
 */
export class HostedCommands {
  readonly #host: ChildProcess;
  readonly #gone: Promise<unknown>;
  #last: Promise<unknown> = Promise.resolve();

  constructor() {
    this.#host = fork(HOST, [], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: bareEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#host.stdout?.setEncoding('utf8');
    this.#host.stderr?.setEncoding('utf8');
    this.#gone = once(this.#host, 'exit');
  }

  run(args: readonly string[], options: Pick<CliOptions, 'environment'>): Promise<CliResult> {
    const result = this.#last.then(() => this.#run({ args, environment: cliEnvironment(options) }));
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #run(command: HostedCommand): Promise<CliResult> {
    const { stdout, stderr } = this.#host;
    const answer = Promise.all([once(this.#host, 'message'), untilEnd(stdout), untilEnd(stderr)]);
    this.#host.send(command);
    const answered = await Promise.race([answer, this.#gone.then(() => null)]);
    if (answered === null) throw new Error(`muster ${command.args.join(' ')} ended its process.`);
    const [[exitCode], output, errors] = answered;
    return { exitCode, stdout: output, stderr: errors };
  }

  async close(): Promise<void> {
    this.#host.kill();
    await this.#gone;
  }
}

/** What a stream carries before the next {@link END}. */
function untilEnd(stream: Readable | null): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const take = (chunk: string) => {
      text += chunk;
      if (!text.endsWith(END)) return;
      stream?.off('data', take);
      resolve(text.slice(0, -END.length));
    };
    stream?.on('data', take);
  });
}
