/** Graph and handler names: a lower-case letter, then lower-case letters, digits and hyphens; 64 at most. */
export const NAME_PATTERN = /^[a-z][a-z0-9-]{0,63}$/;
/** Node ids may have capitals too: they are property names in the builder, where camelCase is at home. */
export const NODE_ID_PATTERN = /^[a-z][A-Za-z0-9-]{0,63}$/;
