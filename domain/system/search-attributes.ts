/**
 * Filters of the Temporal Web UI. Search attributes are not encrypted: they contain no secrets and no text of a task.
 */
export const SEARCH_ATTRIBUTES = {
  tenant: { name: 'MusterTenant', type: 'KEYWORD' },
  graph: { name: 'MusterGraph', type: 'KEYWORD' },
  agents: { name: 'MusterAgent', type: 'KEYWORD_LIST' },
  priority: { name: 'MusterPriority', type: 'KEYWORD' },
  user: { name: 'MusterUser', type: 'KEYWORD' },
  /** All users of an execution. Its own name, since an attribute that is registered keeps its type. */
  users: { name: 'MusterUsers', type: 'KEYWORD_LIST' },
  status: { name: 'MusterStatus', type: 'KEYWORD' },
} as const;
