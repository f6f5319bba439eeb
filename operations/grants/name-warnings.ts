import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { nearestName } from '../../domain/nearest-name.ts';
import { OfferedToolRepository } from '../../entities/tools/offered-tool-repository.ts';

/** What looks like a mistake in the names of a grant: an agent, or a tool, that no worker has had. */
export async function nameWarnings(
  em: SqlEntityManager,
  { agent, tool }: { readonly agent: string; readonly tool: string },
): Promise<readonly string[]> {
  const { agents, tools } = await new OfferedToolRepository(em).knownNames();
  return [
    ...(agents.includes(agent) ? [] : [warningOf(`has hosted an agent "${agent}"`, nearestName(agent, agents))]),
    ...(tools.includes(tool) ? [] : [warningOf(`has offered a tool "${tool}"`, nearestName(tool, tools))]),
  ];
}

function warningOf(what: string, nearest: string | null): string {
  return `No worker ${what} yet.${nearest === null ? '' : ` Did you mean "${nearest}"?`}`;
}
