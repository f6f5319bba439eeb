import { lineAt } from './faults.ts';
import type { SourceFile } from './source-files.ts';

/** A whole statement in SQL text; pieces of one, which builders take, are no statements. */
const STATEMENT = /\bsql(?<type><[^`]*?>)?`\s*(?:with|select|insert|update|delete|merge|truncate)\b/gi;

/** Statements in SQL text outside `entities/<domain>/statements/`, where each says why it must be text. */
export function looseStatements(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => !/^entities\/\w+\/statements\//.test(path))
    .flatMap(({ path, text }) =>
      [...text.matchAll(STATEMENT)].map(({ index }) => `${path}:${lineAt(text, index)} has a statement in SQL text.`),
    );
}

/**
 * Casts of raw rows, which no compiler checks: the type given to a statement in SQL text, and a row that is said to be of
 * another type.
 */
const ROW_CAST = /\bas (?:unknown as )?(?:\w*Rows?\b|Record<string, unknown>\[\])/g;

export function rawRowCasts(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => /^(?:entities|operations|database)\//.test(path))
    .flatMap(({ path, text }) => {
      const typed = [...text.matchAll(STATEMENT)].filter(({ groups }) => groups?.type !== undefined);
      return [...typed, ...text.matchAll(ROW_CAST)].map(
        ({ index }) => `${path}:${lineAt(text, index)} says what a raw row is.`,
      );
    });
}
