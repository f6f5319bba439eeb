import { MusterError } from '../../domain/errors.ts';

/** A file is not one that `tasks.export` wrote, or not whole. Nothing was changed. */
export class FileInvalid extends MusterError {
  readonly code = 'import_invalid';
  /** @param fault what is wrong with the line, completing "line 7: …" */
  constructor(line: number, fault: string) {
    super(`The file cannot be imported; line ${line}: ${fault}. Nothing was changed.`, { line });
  }
}
