import { p } from '@mikro-orm/core';
import { Tenant } from './system/tenant.ts';

/** A point in time: `timestamptz`, a `Date` in the program. */
export const moment = () => p.datetime().columnType('timestamptz');

/** When the row was written: the start of the transaction that wrote it, by the database's clock. */
export const createdAt = () => moment().defaultRaw('now()');

/** The isolation boundary that every core row carries. Row-level security compares it with the unit of work's tenant. */
export const tenantId = () => p.manyToOne(Tenant).mapToPk().fieldName('tenant_id').index(false);

/** The tenant of a row that belongs to another row: its foreign key holds both columns, so both have one tenant. */
export const inheritedTenantId = () => tenantId().createForeignKeyConstraint(false);
