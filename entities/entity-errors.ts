import { MusterError } from '../domain/errors.ts';

/** A stored row breaks the promises of its table: it was changed manually or by another version. */
export class StoredRowInvalid extends MusterError {
  readonly code = 'stored_row_invalid';
  constructor(table: string, id: string, fault: string) {
    super(
      `The row ${id} of ${table} cannot be used: ${fault} Restore it from a backup; a graph can be published again.`,
      {
        table,
        id,
      },
    );
  }
}
