import { defineEntity, p } from '@mikro-orm/core';
import { RETENTION_MODES, RETENTION_RESOURCES } from '../../domain/retention/retention.ts';
import { within } from '../checks.ts';
import { moment } from '../columns.ts';

const schema = defineEntity({
  name: 'RetentionPolicy',
  tableName: 'retention_policies',
  properties: {
    resource: p.enum(RETENTION_RESOURCES).primary(),
    mode: p.enum(RETENTION_MODES).default('age'),
    maxAgeDays: p.integer().check('max_age_days > 0'),
    /** Rows removed per transaction: more finish sooner and hold their locks longer. */
    batchSize: p
      .integer()
      .default(1000)
      .check(within('batch_size', { min: 1, max: 10_000 })),
    enabled: p.boolean().default(true),
    lastRunAt: moment().nullable(),
    lastRemoved: p.bigint('number').nullable(),
  },
});

/** What is pruned and when. It belongs to no tenant. */
export class RetentionPolicy extends schema.class {}
schema.setClass(RetentionPolicy);
