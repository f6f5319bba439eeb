import { p } from '@mikro-orm/core';
import { Tenant } from './system/tenant.ts';

/** A point in time: `timestamptz`, a `Date` in the program. */
export const moment = () => p.datetime().columnType('timestamptz');

/** When the row was written: the start of the transaction that wrote it, by the database's clock. */
export const createdAt = () => moment().defaultRaw('now()');

/** The isolation boundary that every core row carries. Row-level security compares it with the unit of work's tenant. */
export const tenantId = () => p.manyToOne(Tenant).mapToPk().fieldName('tenant_id').index(false);

/** The tenant of a row that belongs to another row, or of a table that grows: a column without a foreign key. */
export const plainTenantId = () => tenantId().createForeignKeyConstraint(false);

/**
 * The key of a row that this one belongs to or is made from, which the mapper writes first. It has no foreign key of its
 * own: one that holds the tenant too does, or the statement that writes the row.
 */
export const keyOf = (target: Parameters<typeof p.manyToOne>[0], column: string) =>
  p.manyToOne(target).mapToPk().fieldName(column).createForeignKeyConstraint(false).index(false);
