/**
 * The agents that answer each intent, by role or by name. A greeting needs none. An application passes its additions
 * and replacements to the director beside this table.
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

/** An agent as a director knows it. */
export interface Candidate {
  readonly name: string;
  readonly roles: readonly string[];
  readonly alive: boolean;
}

/** The agents to ask, and the wanted roles or names that no agent has. */
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
