import type { InferKyselyDB } from '@mikro-orm/sql';
import type { ENTITIES } from './index.ts';

/** The tables as hand-written SQL sees them: names and columns in snake case. */
export type MusterTables = InferKyselyDB<(typeof ENTITIES)[number]>;
