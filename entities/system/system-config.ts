import { defineEntity, p } from '@mikro-orm/core';
import type { Json } from '../../domain/json.ts';
import { moment } from '../columns.ts';

const schema = defineEntity({
  name: 'SystemConfig',
  tableName: 'system_config',
  properties: {
    key: p.text().primary(),
    value: p.json<Json>(),
    description: p.text().nullable(),
    updatedAt: moment().defaultRaw('now()'),
  },
});

/** A setting of the whole installation. It belongs to no tenant. */
export class SystemConfig extends schema.class {}
schema.setClass(SystemConfig);
