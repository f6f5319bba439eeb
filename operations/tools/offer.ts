import type { Database } from '../../database/transaction.ts';
import { SYSTEM_TENANT } from '../../domain/ids.ts';
import type { OfferedTool, SourceState } from '../../domain/tools/tool-source.ts';
import { OfferedToolRepository } from '../../entities/tools/offered-tool-repository.ts';

/** Lets every tenant know which tools a worker offers to agents. Repeating it changes nothing. */
export function offerTools(database: Database, tools: readonly OfferedTool[]): Promise<void> {
  return database.inTenant(SYSTEM_TENANT, ({ em }) => new OfferedToolRepository(em).offer(tools));
}

/** What a worker found at a source of tools. */
export interface SourceFound {
  readonly state: SourceState;
  /** All of its tools; null where it did not say. */
  readonly tools: readonly OfferedTool[] | null;
}

/** Lets every tenant know how a source does, and which tools it has. */
export function tellSource(database: Database, process: string, { state, tools }: SourceFound): Promise<void> {
  return database.inTenant(SYSTEM_TENANT, async ({ em }) => {
    const offered = new OfferedToolRepository(em);
    await offered.tell(state, process);
    if (tools === null) return;
    await offered.offer(tools);
    await offered.withdrawOthers(
      state.name,
      tools.map(({ name }) => name),
    );
  });
}
