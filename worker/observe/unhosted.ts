import pTimeout from 'p-timeout';
import type { Database } from '../../database/transaction.ts';
import { unhostedGraphs, unhostedText } from '../../domain/agents/hosting.ts';
import { HostingRepository } from '../../entities/agents/hosting-repository.ts';

/** How long an answer is reused: it costs PostgreSQL a look at all tasks that have not ended. */
const FRESH_MS = 5_000;
/** A health request waits no longer than this. */
const DEADLINE_MS = 900;

/** Finds the tasks of a worker's task queue that need an agent no worker hosts. */
export class UnhostedTasks {
  readonly #database: Database;
  readonly #taskQueue: string;
  #last: { readonly sentences: Promise<readonly string[]>; readonly at: number } | null = null;

  constructor({ database, taskQueue }: { readonly database: Database; readonly taskQueue: string }) {
    this.#database = database;
    this.#taskQueue = taskQueue;
  }

  /** One sentence for each of their graphs; none while PostgreSQL does not answer. */
  read(): Promise<readonly string[]> {
    if (this.#last === null || performance.now() - this.#last.at > FRESH_MS) {
      this.#last = { sentences: this.#read().catch(() => []), at: performance.now() };
    }
    return pTimeout(this.#last.sentences, { milliseconds: DEADLINE_MS, fallback: () => [] });
  }

  #read(): Promise<string[]> {
    return this.#database.inSystem('inspect', async ({ em }) => {
      const hosting = new HostingRepository(em);
      const own = (await hosting.needs()).filter(({ taskQueue }) => taskQueue === this.#taskQueue);
      return unhostedGraphs(own, await hosting.workers()).map(unhostedText);
    });
  }
}
