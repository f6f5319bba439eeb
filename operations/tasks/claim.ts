import { WriteRefused } from '../../database/database-errors.ts';
import { isUnknownAnswer } from '../../database/database-faults.ts';
import { newId } from '../../database/new-id.ts';
import type { Database } from '../../database/transaction.ts';
import type { TaskId, TraceId } from '../../domain/ids.ts';
import { storableText } from '../../domain/json.ts';
import type { QueueSettings } from '../../domain/queues/queue-settings.ts';
import type { Failure } from '../../domain/tasks/execution.ts';
import { ClaimRepository } from '../../entities/tasks/claim-repository.ts';
import type { Claimant } from '../../entities/tasks/claimant.ts';
import type { ClaimedTask } from '../../entities/tasks/claimed-task.ts';
import { eachOrHalves } from '../each-or-halves.ts';
import { type RecordLog, withTrace } from '../record/recording.ts';

export interface ClaimOptions {
  readonly database: Database;
  readonly settings: { current(): Promise<QueueSettings> };
  readonly claimant: Claimant;
  readonly log: RecordLog;
}

/** Each lost race means that another claim has succeeded, so a few more attempts than there are workers are plenty. */
const MAX_ATTEMPTS = 10;

/** What became of tasks that were to be claimed. */
export interface Claims {
  readonly claimed: readonly ClaimedTask[];
  /** Those whose rows PostgreSQL refuses every claim, with the reason. */
  readonly refused: readonly { readonly taskId: TaskId; readonly failure: Failure }[];
}

/**
 * Claims what of these tasks may start. Where a row among them cannot be claimed, the others are.
 * @throws whatever concerns every row: an outage, a database that was not prepared, a fault of the program
 */
export async function claimTasks(options: ClaimOptions, ids: readonly TaskId[]): Promise<Claims> {
  const { done, refused } = await eachOrHalves(
    ids,
    (some) => claimTogether(options, some),
    (error) => refusalOfRow(options, error),
  );
  const failureOf = ({ code, message }: WriteRefused) => ({ code, message: storableText(message) });
  return {
    claimed: done,
    refused: refused.map(({ item, refusal }) => ({ taskId: item, failure: failureOf(refusal) })),
  };
}

/**
 * The refusal of one of the rows. An error that nobody knows is one too where the same statement succeeds without any
 * row; where that fails as well, the rows are not at fault and none may be given up for it.
 */
async function refusalOfRow(options: ClaimOptions, error: unknown): Promise<WriteRefused> {
  if (error instanceof WriteRefused) return error;
  if (!isUnknownAnswer(error)) throw error;
  await claimTogether(options, []);
  return new WriteRefused(error);
}

/**
 * Where another claim took the same slot at the same moment nothing was changed, and it is tried again with what is free
 * now.
 */
async function claimTogether(options: ClaimOptions, ids: readonly TaskId[]): Promise<readonly ClaimedTask[]> {
  const { database, claimant } = options;
  const wanted = new Map(ids.map((id) => [id, newId<TraceId>()]));
  for (let attempt = 1; ; attempt += 1) {
    const settings = await options.settings.current();
    try {
      return await withTrace(options.log, (trace) =>
        database.single.inSystem('dispatch', ({ em }) =>
          new ClaimRepository(em).claim(wanted, claimant, { settings, trace }),
        ),
      );
    } catch (error) {
      if (!isLostRace(error)) throw error;
      if (attempt >= MAX_ATTEMPTS) return [];
    }
  }
}

function isLostRace(error: unknown): boolean {
  return error instanceof WriteRefused && error.sqlState === '23505' && error.table === 'concurrency_slots';
}
