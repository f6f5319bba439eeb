import { writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { isAlive, type ProcessIdentity } from '../../servers/find/process-identity.ts';
import { runCommand } from '../../servers/install/commands.ts';
import { choosePort } from '../../servers/start/ports.ts';
import { endProcess, type LaunchPlan, signalProcess, waitUntilGone } from '../../servers/start/processes.ts';
import type { ServerPorts, ServiceKind } from '../../servers/start/server-kinds.ts';
import { waitUntilAnswers } from '../../servers/start/wait-until-answers.ts';

interface CreateOptions {
  readonly pidFile: string;
  readonly announce: (text: string) => void;
}

const MOST_ATTEMPTS = 3;

/** One server of a private stack, which a test may end and start again at will. */
export class ManagedServer {
  readonly port: number;
  readonly uiPort: number | null;
  readonly #kind: ServiceKind;
  readonly #plan: LaunchPlan;
  readonly #pidFile: string;
  #identity: ProcessIdentity | null = null;

  private constructor(kind: ServiceKind, plan: LaunchPlan, options: { ports: ServerPorts; pidFile: string }) {
    this.#kind = kind;
    this.#plan = plan;
    this.#pidFile = options.pidFile;
    this.port = options.ports.port;
    this.uiPort = options.ports.uiPort;
  }

  /** Brings in the program where it is missing, initializes the data and starts the server on a free port. */
  static async create(kind: ServiceKind, options: CreateOptions): Promise<ManagedServer> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await ManagedServer.#createOnce(kind, options);
      } catch (error) {
        // Between the choice of a port and the listening, a connection of another lane may have taken it.
        if (attempt === MOST_ATTEMPTS) throw error;
      }
    }
  }

  static async #createOnce(kind: ServiceKind, { pidFile, announce }: CreateOptions): Promise<ManagedServer> {
    const program = (await kind.find()) ?? (await kind.install(announce));
    const ports = {
      port: await choosePort(null),
      uiPort: kind.usualPorts.uiPort === null ? null : await choosePort(null),
    };
    const plan = kind.plan(program, ports);
    await kind.initialize(plan);
    const server = new ManagedServer(kind, plan, { ports, pidFile });
    await server.#startOnce();
    await kind.prepare(ports);
    return server;
  }

  get pid(): number {
    if (this.#identity === null) throw new Error(`${this.#kind.name} was never started.`);
    return this.#identity.pid;
  }

  /** Starts the server on the same port and data and resolves when it answers; nothing happens where it runs. */
  async start(): Promise<void> {
    if (this.#identity !== null && isAlive(this.#identity)) return;
    const deadline = Date.now() + 20_000;
    for (;;) {
      try {
        await this.#startOnce();
        return;
      } catch (error) {
        // After kill -9 the killed server's children hold its memory and its port for a moment.
        if (Date.now() > deadline) throw error;
        await pause(50);
      }
    }
  }

  async #startOnce(): Promise<void> {
    const { identity } = this.#kind.launch(this.#plan, { port: this.port, uiPort: this.uiPort });
    this.#identity = identity;
    writeFileSync(this.#pidFile, String(identity.pid));
    const { logPath } = this.#plan;
    await waitUntilAnswers(() => this.#kind.answer(this), { identity, logPath, timeoutMs: this.#kind.answerTimeoutMs });
  }

  /**
   * Sends a signal. Resolves when the process is gone; after SIGSTOP and SIGCONT, which end nothing, at once. Throws
   * where the process outlives the signal by half a minute.
   */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const identity = this.#identity;
    if (identity === null || !signalProcess(identity, signal)) return;
    if (signal === 'SIGSTOP' || signal === 'SIGCONT') {
      await this.#signalChildren(identity, signal);
      return;
    }
    if (!(await waitUntilGone(identity, 30_000))) throw new Error(`${this.#kind.name} outlived ${signal}.`);
  }

  /** PostgreSQL answers from child processes, which a stopped parent leaves running. */
  async #signalChildren(identity: ProcessIdentity, signal: NodeJS.Signals): Promise<void> {
    await runCommand('pkill', [`-${signal.slice(3)}`, '-P', String(identity.pid)], { timeoutMs: 5_000 });
  }

  /** Ends the server for good. */
  async close(): Promise<void> {
    if (this.#identity === null) return;
    signalProcess(this.#identity, 'SIGCONT');
    await endProcess(this.#identity, this.#kind.stopSignal, 5_000);
  }
}
