import { lineAt } from './faults.ts';
import type { SourceFile } from './source-files.ts';

/** A whole statement in SQL text; pieces of one, which builders take, are no statements. */
const STATEMENT = /\bsql(?<type><[^`]*?>)?`\s*(?:with|select|insert|update|delete|merge|truncate)\b/gi;

/**
 * Where statements may be SQL text, each with its reason: the rows' folders, and that of the migrations, which run before
 * any entity is there.
 */
const STATEMENTS = /^(?:entities\/\w+|database)\/statements\//;

/** Statements in SQL text outside those folders. */
export function looseStatements(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => !STATEMENTS.test(path))
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

/** The tables that say what happened, and the entities of their rows. */
const RECORD = {
  tables: 'agent_traces|agent_runs|trace_events|audit_log|outbox|activity_effects|model_calls|tool_calls',
  entities: 'AgentTrace|AgentRun|TraceEvent|AuditEntry|OutboxEntry|ActivityEffect|ModelCall|ToolCall',
};

/** The ways in which one of these rows can be written. */
const WRITES: readonly RegExp[] = [
  new RegExp(`\\b(?:insert\\s+into|update)\\s+(?:muster\\.)?"?(?:${RECORD.tables})\\b`, 'gi'),
  new RegExp(
    `\\b(?:insertInto|updateTable|mergeInto|insertFrom)\\(\\s*['"\`](?:muster\\.)?(?:${RECORD.tables})\\b`,
    'g',
  ),
  new RegExp(
    `\\.(?:nativeUpdate|insert|insertMany|upsert|upsertMany|create|assign)\\(\\s*(?:\\w+\\.)?(?:${RECORD.entities})\\b`,
    'g',
  ),
  /\bnew Recorder\(/g,
  new RegExp(`createQueryBuilder\\(\\s*(?:${RECORD.entities})\\b[^;]*?\\.(?:insert|update)\\(`, 'g'),
];

/** The recorder, and the shapes of rows that single statements share with it. */
const WRITERS: readonly RegExp[] = [
  /^operations\/record\//,
  /^entities\/(?:audit|system|traces)\/[a-z-]+-rows\.ts$/,
  /^entities\/(?:system|traces)\/statements\//,
  // The relay notes there how it carried a row out; it writes none.
  /^entities\/system\/outbox-repository\.ts$/,
];

/**
 * Which files have single statements of theirs append to the outbox, besides the recorder: the paths of those that use the
 * shapes of its rows.
 */
export function outboxWriters(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter(({ path }) => !WRITERS.some((writer) => writer.test(path)) && !STATEMENTS.test(path))
    .filter(({ text }) => /\b(?:outboxRowsFrom|submittedRowsFrom)\(/.test(text))
    .map(({ path }) => path);
}

/** Where a row that says what happened is written by anything but the recorder: a file, a line and the text. */
export function secondWriters(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter(({ path }) => !WRITERS.some((writer) => writer.test(path)))
    .flatMap(({ path, text }) =>
      WRITES.flatMap((pattern) =>
        [...text.matchAll(pattern)].map(({ 0: found, index }) => {
          const line = text.slice(0, index).split('\n').length;
          return `${path}:${line} writes "${found}"; operations/record/ is the only writer of it.`;
        }),
      ),
    );
}
