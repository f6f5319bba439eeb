import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'kysely';
import { openDatabase } from '../database/open-orm.ts';
import type { Database } from '../database/transaction.ts';
import type { JsonObject } from '../domain/json.ts';
import type { MusterUnderTest } from '../test/support/muster.ts';
import type { Contestant } from './measure.ts';
import { OWN_CONNECTIONS } from './usage.ts';

/**
 * How often the rows are looked at; the measured time is late by half of it on average. Looking takes its share of the
 * two cores, so it is rarer while many are waited for.
 */
const LOOK_EVERY_MS = { alone: 3, together: 25 };

/** Tells when tasks have their terminal row, by one statement for all that are waited for. */
class TerminalRows {
  readonly #database: Database;
  readonly #waiting = new Map<string, () => void>();
  #looking = false;

  constructor(database: Database) {
    this.#database = database;
  }

  ended(taskId: string): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.set(taskId, resolve);
      if (!this.#looking) void this.#look();
    });
  }

  async #look(): Promise<void> {
    this.#looking = true;
    while (this.#waiting.size > 0) {
      const ids = [...this.#waiting.keys()];
      const found = await this.#database.single.inSystem('inspect', ({ em }) =>
        sql<{
          id: string;
        }>`select id from muster.tasks where id = any(${ids}::uuid[]) and completed_at is not null`.execute(
          em.getKysely(),
        ),
      );
      for (const { id } of found.rows) {
        this.#waiting.get(id)?.();
        this.#waiting.delete(id);
      }
      await pause(this.#waiting.size > 1 ? LOOK_EVERY_MS.together : LOOK_EVERY_MS.alone);
    }
    this.#looking = false;
  }
}

/** Muster from submit to terminal rows, for graphs by name; the input of each task is made anew. */
export function openMusterContestants(muster: MusterUnderTest): {
  contestant(graph: string, input?: () => JsonObject): Contestant;
  close(): Promise<void>;
} {
  const database = openDatabase({ url: muster.databaseUrl, poolSize: 1, applicationName: OWN_CONNECTIONS });
  const rows = new TerminalRows(database);
  const once = async (graph: string, input: JsonObject): Promise<void> => {
    const task = await muster.client.submit(graph, input);
    await rows.ended(task.id);
  };
  return {
    contestant: (graph, input = () => ({})) => ({ name: `Muster, ${graph}`, once: () => once(graph, input()) }),
    close: () => database.close(),
  };
}
