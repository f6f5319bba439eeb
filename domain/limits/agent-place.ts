/** A place for one node of an agent, to be released when the node has ended; or how long to wait before asking again. */
export type AgentPlaceAnswer =
  | { readonly taken: true; readonly release: () => void }
  | { readonly taken: false; readonly message: string; readonly retryAfterMs: number };
