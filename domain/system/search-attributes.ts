/**
 * What the Temporal Web UI can filter by. Search attributes are stored in clear: nothing secret and no text of a task
 * goes here.
 */
export const SEARCH_ATTRIBUTES = {
  tenant: { name: 'MusterTenant', type: 'KEYWORD' },
  graph: { name: 'MusterGraph', type: 'KEYWORD' },
  agents: { name: 'MusterAgent', type: 'KEYWORD_LIST' },
  priority: { name: 'MusterPriority', type: 'KEYWORD' },
  user: { name: 'MusterUser', type: 'KEYWORD' },
  status: { name: 'MusterStatus', type: 'KEYWORD' },
} as const;
