import { LRUCache } from 'lru-cache';
import { isDataFault } from '../../database/database-faults.ts';
import { GroupCommit } from '../../database/group-commit.ts';
import type { Database } from '../../database/transaction.ts';
import type { BudgetAsk } from '../../domain/budgets/amounts.ts';
import type { BudgetScope } from '../../domain/budgets/scopes.ts';
import type { TenantId } from '../../domain/ids.ts';
import { BudgetRepository, type NewReservation, type ReserveAnswer } from '../../entities/budgets/budget-repository.ts';
import type { ReservationMove } from '../../entities/budgets/statements/move-reservations.ts';

type Request = Omit<NewReservation, 'tenant'>;

/** Tenants whose reservations are remembered as one group. */
const MAX_TENANTS = 1_000;
/** Reservations in one statement: their budgets are locked for as long as it takes. */
const MAX_TOGETHER = 200;
/** A group needs at most a round for each of its calls; so many more may find their keys in the hands of another process. */
const MORE_ROUNDS = 3;

/**
 * Reserves what calls may cost, and settles what they did cost. Those of one moment share a statement, so a hot budget is
 * locked once for all of them, and each succeeds or is refused for itself. Whatever it answers has been committed. That a
 * call begins is said by the statement that announces it.
 */
export class Spender {
  readonly #database: Database;
  readonly #groups: LRUCache<TenantId, TenantGroups>;

  constructor(database: Database) {
    this.#database = database;
    const memoMethod = (tenant: TenantId) => new TenantGroups(tenant, database);
    this.#groups = new LRUCache({ max: MAX_TENANTS, memoMethod });
  }

  /** Takes what a call may cost from every budget above it, or from none. See `BudgetRepository.reserve`. */
  reserve({ tenant, ...request }: NewReservation): Promise<ReserveAnswer> {
    return this.#groups.memo(tenant).reserve.add(request);
  }

  /** Notes that a call which was refused waits until budgets have room for it. @param counted the scopes that have one */
  wait(request: NewReservation, counted: readonly BudgetScope[]): Promise<void> {
    return this.#database.single.inTenant(request.tenant, ({ em }) => new BudgetRepository(em).wait(request, counted));
  }

  /** Charges what a call did cost. The first settlement counts. */
  async settle(tenant: TenantId, key: string, used: BudgetAsk): Promise<void> {
    await this.#groups.memo(tenant).move.add({ key, state: 'settled', ...used });
  }

  /** Gives back what a call was reserved that was not made, or not paid. What was settled stays. */
  async release(tenant: TenantId, key: string): Promise<void> {
    await this.#groups.memo(tenant).move.add({ key, state: 'released', tokens: null, costMicros: null, steps: null });
  }
}

class TenantGroups {
  readonly #tenant: TenantId;
  readonly #database: Database;
  readonly reserve: GroupCommit<Request, ReserveAnswer>;
  readonly move: GroupCommit<ReservationMove, true>;

  constructor(tenant: TenantId, database: Database) {
    this.#tenant = tenant;
    this.#database = database;
    const group = { isFaultOfItem: isDataFault, max: MAX_TOGETHER };
    this.reserve = new GroupCommit({ ...group, write: (requests) => this.#reserveAll(requests) });
    this.move = new GroupCommit({ ...group, write: (moves) => this.#moveAll(moves) });
  }

  async #reserveAll(requests: readonly Request[]): Promise<ReserveAnswer[]> {
    const answers = new Map<Request, ReserveAnswer>();
    for (let round = 0; round < requests.length + MORE_ROUNDS && answers.size < requests.length; round += 1) {
      const open = requests.filter((request) => !answers.has(request));
      const answered = await this.#run((budgets) => budgets.reserve(this.#tenant, open));
      for (const [at, request] of open.entries()) {
        const answer = answered[at] ?? null;
        if (answer !== null) answers.set(request, answer);
      }
    }
    return requests.map((request) => answers.get(request) ?? undecided(request));
  }

  /** One for each key in a statement; a further one of the same key has its turn after it. */
  async #moveAll(moves: readonly ReservationMove[]): Promise<true[]> {
    const first = new Map(moves.toReversed().map((move) => [move.key, move]));
    await this.#run((budgets) => budgets.move([...first.values()]));
    const later = moves.filter((move) => first.get(move.key) !== move);
    if (later.length > 0) await this.#moveAll(later);
    return moves.map(() => true);
  }

  #run<Result>(work: (budgets: BudgetRepository) => Promise<Result>): Promise<Result> {
    return this.#database.single.inTenant(this.#tenant, ({ em }) => work(new BudgetRepository(em)));
  }
}

/** Nothing was taken, and nobody can say why: the call is not made. */
function undecided({ key }: Request): never {
  throw new Error(`The budget reservation ${key} was neither taken nor refused.`);
}
