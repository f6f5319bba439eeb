/** Graph and handler names: a lower-case letter, then lower-case letters, digits and hyphens; 64 at most. */
export const NAME_PATTERN = /^[a-z][a-z0-9-]{0,63}$/;
/** Names of operations, which a node may use as its tool: the domain, a dot, the verb. No handler's name has a dot. */
export const OPERATION_NAME_PATTERN = /^[a-z]+\.[a-z][A-Za-z]{0,40}$/;
/** The name of an llm as an agent: its graph, a dot, its node. */
export const LLM_NAME_PATTERN = /^[a-z][a-z0-9-]{0,63}\.[a-z][A-Za-z0-9-]{0,63}$/;
/** Names of models and of providers in an installation's settings. */
export const MODEL_NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** Node ids may have capitals too: they are property names in the builder, usually in camelCase. */
export const NODE_ID_PATTERN = /^[a-z][A-Za-z0-9-]{0,63}$/;
