/**
 * Which agents answer which intent, by role or by name. A greeting needs nobody. What an application adds or replaces
 * is handed to the director beside this table.
 */
export const DIRECTOR_INTENTS: Readonly<Record<string, readonly string[]>> = {
  calendar_query: ['calendar'],
  email_query: ['email'],
  task_management: ['task'],
  web_search: ['browser'],
  memory_recall: ['memory'],
  general_query: ['memory'],
  help: ['task'],
  status: ['task', 'calendar'],
  greeting: [],
};

/** What a director knows of an agent. */
export interface Candidate {
  readonly name: string;
  readonly roles: readonly string[];
  readonly alive: boolean;
}

/** Whom to ask, and which of the wanted nobody stands for. */
export interface Delegation {
  readonly asked: readonly string[];
  readonly absent: readonly string[];
}

/**
 * Chooses for each wanted role or name one living agent: the one of that name before those with that role, then the
 * first by name. An agent that is wanted twice is asked once.
 */
export function delegate(wanted: readonly string[], candidates: readonly Candidate[]): Delegation {
  const living = candidates.filter((one) => one.alive).sort((one, other) => (one.name < other.name ? -1 : 1));
  const chosen = wanted.map((role) => ({
    role,
    agent: living.find((one) => one.name === role) ?? living.find((one) => one.roles.includes(role)),
  }));
  return {
    asked: [...new Set(chosen.flatMap(({ agent }) => (agent === undefined ? [] : [agent.name])))],
    absent: chosen.filter(({ agent }) => agent === undefined).map(({ role }) => role),
  };
}
