import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { ROOT, type SourceFile } from './source-files.ts';

/** One row of docs/acceptance.md. */
export interface Promised {
  readonly id: string;
  readonly promise: string;
  /** The test file that shows it. */
  readonly shownBy: string;
}

const TITLE = /\b(?:describe|it)(?:\.\w+)?\(\s*(?:['"`])((?:[A-Z]\d{1,3})(?:, [A-Z]\d{1,3})*)(?=: | of )/g;

/** The ids at the beginnings of titles: whose tests, by id. */
export function idsOfTests(tests: readonly SourceFile[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { path, text } of tests) {
    const ids = [...text.matchAll(TITLE)].flatMap((match) => (match[1] ?? '').split(', '));
    for (const id of ids) found.set(id, (found.get(id) ?? new Set()).add(path));
  }
  return found;
}

export function readAcceptance(text: string): Promised[] {
  return [...text.matchAll(/^\| ([A-Z]\d{1,3}) +\| (.+?) +\| \[[^\]]+\]\(\.\.\/(.+?)\) +\|$/gm)].map((match) => ({
    id: match[1] ?? '',
    promise: match[2] ?? '',
    shownBy: match[3] ?? '',
  }));
}

/** Ids that only titles have, rows whose test does not carry their id, and ids with two rows. */
export function acceptanceFaults(
  promised: readonly Promised[],
  tests: ReadonlyMap<string, ReadonlySet<string>>,
): string[] {
  const known = new Set(promised.map(({ id }) => id));
  const unknown = [...tests].filter(([id]) => !known.has(id));
  const untested = promised.filter(({ id, shownBy }) => tests.get(id)?.has(shownBy) !== true);
  const twice = promised.filter(({ id }, index) => promised.findIndex((other) => other.id === id) !== index);
  return [
    ...unknown.map(([id, files]) => `${[...files][0]} has a test for ${id}; give docs/acceptance.md a row for it.`),
    ...untested.map(({ id, shownBy }) => `docs/acceptance.md says that ${shownBy} shows ${id}; no title there has it.`),
    ...twice.map(({ id }) => `docs/acceptance.md has two rows for ${id}.`),
  ];
}

const LINK = /\]\((?!https?:|mailto:|#)([^)\s#]+)/g;
/** Text in code marks that looks like a file of the project with its folder, or like two folders or more. */
const PATH = /`((?!dist\/)[\w-]+\/(?:[\w-]+\/)*(?:[\w-]+\/|[\w.-]+\.(?:ts|lua|sql|md|json|yaml)))`/g;

/** Links of a document, and paths that it names, that lead nowhere. `inText`: whether paths count that are no links. */
export function brokenPaths({ path, text }: SourceFile, inText: boolean): string[] {
  const links = [...text.matchAll(LINK)].map((match) => posix.join(posix.dirname(path), match[1] ?? ''));
  const named = inText ? [...text.matchAll(PATH)].map((match) => match[1] ?? '') : [];
  const isThere = (target: string) =>
    existsSync(join(ROOT, target)) || existsSync(join(ROOT, posix.dirname(path), target));
  const gone = [
    ...links.filter((target) => !existsSync(join(ROOT, target))),
    ...named.filter((name) => !isThere(name)),
  ];
  return [...new Set(gone)].map((target) => `${path} names ${target}, which is not there.`);
}

/** Lines of a page that a newcomer reads first. */
const MOST_LINES = 150;
/** Characters of a table's cell: a longer one is a paragraph. */
const MOST_IN_CELL = 300;
/** Files on the way of a task. */
const MOST_FILES = 40;

/** First pages that are too long. */
export function longPages(pages: readonly SourceFile[]): string[] {
  return pages
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > MOST_LINES)
    .map(({ path, lines }) => `${path} has ${lines} lines; a newcomer reads ${MOST_LINES}.`);
}

/** Cells of tables that are too long. */
export function longCells({ path, text }: SourceFile): string[] {
  const rows = text.split('\n').filter((line) => line.startsWith('|'));
  const cells = rows.flatMap((row) => row.split(' | ')).filter((cell) => cell.trim().length > MOST_IN_CELL);
  return cells.map((cell) => `${path} has a table with a cell of ${cell.length} characters: ${cell.slice(0, 40)}…`);
}

/** What is wrong with the list of files that are the way of a task: files out of number, or too many of them. */
export function wayFaults(text: string): string[] {
  const numbers = [...text.matchAll(/^(\d+)\. `[\w/.-]+`/gm)].map((match) => Number(match[1]));
  const skipped = numbers.filter((number, index) => number !== index + 1);
  const tooMany = numbers.length === 0 || numbers.length > MOST_FILES;
  return [
    ...skipped.map((number) => `The way of a task has the number ${number} out of order.`),
    ...(tooMany ? [`The way of a task has ${numbers.length} files; 1 to ${MOST_FILES} can be followed.`] : []),
  ];
}
