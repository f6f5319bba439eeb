import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bareEnvironment } from './bare-environment.ts';

export interface WorkerProcessOptions {
  /** As {@link MusterUnderTest.environment}: services, prefix, task queue. */
  readonly environment: Readonly<Record<string, string>>;
  /** Path of the module whose `graphs` the worker hosts. */
  readonly module: string;
  /** As `MUSTER_FAILPOINTS`. @defaultValue none */
  readonly failpoints?: string;
  /** More variables. */
  readonly more?: Readonly<Record<string, string>>;
  /** A stack's folder: the process is ended with the stack, even when the test's process dies and it is stopped. */
  readonly folder: string;
}

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A worker process that ended before it took tasks, or before it could say so. */
export class WorkerNotStarted extends Error {
  readonly ending: Ending;

  constructor(ending: Ending, lines: readonly string[]) {
    super(`The worker did not start: ${lines.slice(-30).join('\n')}`);
    this.ending = ending;
  }
}

const MAIN = fileURLToPath(new URL('./worker-process-main.ts', import.meta.url));

/** A real worker in a process of its own, which a test may stop, continue and kill. */
export class WorkerProcess {
  readonly workerId: string;
  /** Resolves when the process is gone. */
  readonly ended: Promise<Ending>;
  /** Set when the process is gone. */
  ending: Ending | null = null;
  readonly #child: ChildProcess;
  readonly #lines: string[];

  private constructor(child: ChildProcess, started: { workerId: string; lines: string[]; ended: Promise<Ending> }) {
    this.#child = child;
    this.workerId = started.workerId;
    this.#lines = started.lines;
    this.ended = started.ended;
    void started.ended.then((ending) => {
      this.ending = ending;
    });
  }

  /**
   * Resolves when the worker takes tasks.
   * @throws WorkerNotStarted
   */
  static async start(options: WorkerProcessOptions): Promise<WorkerProcess> {
    const child = fork(MAIN, [options.module], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: environmentOf(options),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const pidFile = join(options.folder, `worker-${child.pid}.pid`);
    writeFileSync(pidFile, String(child.pid));
    const lines: string[] = [];
    child.stderr?.setEncoding('utf8').on('data', (text: string) => void lines.push(...text.trimEnd().split('\n')));
    const ended = once(child, 'exit').then(([code, signal]) => {
      rmSync(pidFile, { force: true });
      return { code, signal } as Ending;
    });
    const ready = await Promise.race([once(child, 'message'), ended]);
    if (!Array.isArray(ready)) throw new WorkerNotStarted(ready, lines);
    return new WorkerProcess(child, { workerId: ready[0].ready, lines, ended });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it has written to its log so far, one JSON line each. */
  get log(): readonly string[] {
    return this.#lines;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** How many of its database connections are in use at this moment. */
  async takenConnections(): Promise<number> {
    const answer = once(this.#child, 'message');
    this.#child.send('pool');
    const [message] = (await answer) as [{ takenConnections: number }];
    return message.takenConnections;
  }

  /** Ends it without ceremony, whatever state it is in. */
  async close(): Promise<void> {
    if (this.ending !== null) return;
    this.#child.kill('SIGKILL');
    await this.ended;
  }
}

function environmentOf({ environment, failpoints, more }: WorkerProcessOptions): NodeJS.ProcessEnv {
  return {
    ...bareEnvironment(),
    ...environment,
    MUSTER_LOG_LEVEL: 'warn',
    ...(failpoints === undefined ? {} : { MUSTER_FAILPOINTS: failpoints }),
    ...more,
  };
}
