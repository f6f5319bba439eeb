import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bareEnvironment } from '../support/bare-environment.ts';

/** What an agent's process says of a message. */
export interface Report {
  readonly begun?: number;
  readonly handled?: number;
  readonly id: string;
  readonly delivery: number;
}

const MAIN = fileURLToPath(new URL('./agent-process-main.ts', import.meta.url));

/** An agent in a process of its own, which a test may kill. */
export class AgentProcess {
  readonly reports: Report[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(child: ChildProcess, pidFile: string) {
    this.#child = child;
    this.#ended = once(child, 'exit').then(() => rmSync(pidFile, { force: true }));
    child.on('message', (message: Report) => void this.reports.push(message));
  }

  /** Resolves when it takes messages. `folder` is a stack's: the process is ended with it. */
  static async start(
    name: string,
    options: { environment: Record<string, string>; folder: string },
  ): Promise<AgentProcess> {
    const child = fork(MAIN, [name], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: { ...bareEnvironment(), ...options.environment },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const pidFile = join(options.folder, `agent-${child.pid}.pid`);
    writeFileSync(pidFile, String(child.pid));
    const ready = once(child, 'message');
    const agent = new AgentProcess(child, pidFile);
    const first = await Promise.race([ready, once(child, 'exit')]);
    if (typeof first[0] !== 'object' || first[0] === null) throw new Error('The agent did not start.');
    agent.reports.length = 0;
    return agent;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get handled(): Report[] {
    return this.reports.filter((report) => report.handled !== undefined);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it without ceremony. */
  async kill(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
