import { matchAll } from './faults.ts';
import { roomOf } from './import-table.ts';
import type { SourceFile } from './source-files.ts';
import { nodesOf } from './syntax.ts';

const MOST_LINES = { file: 300, script: 60, function: 60 };

/** Files that read the environment. */
export function environmentReaders(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path, text }) => path !== 'config.ts' && /\bprocess\.env\b/.test(text))
    .map(({ path }) => `${path} reads process.env; take it from the configuration that config.ts made.`);
}

/** The fault of a terminal's user and Ctrl-C exist in one process only; agents/ is written as a user's code. */
const FREE_ERRORS = new Set(['WrongUsage', 'Interrupted', 'MusterError']);

/** Error classes without a code. */
export function codelessErrors(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => roomOf(path) !== 'agents/')
    .flatMap(({ path, text }) =>
      matchAll(text, /class (\w+) extends \w*Error\b(?<!MusterError)/g)
        .filter((name) => !FREE_ERRORS.has(name))
        .map((name) => `${path}: ${name} does not extend MusterError, so it has no code that survives a process.`),
    );
}

export function longFiles(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const lines = text.split('\n').length - 1;
    const most = path.endsWith('.lua') ? MOST_LINES.script : MOST_LINES.file;
    return lines > most ? [`${path} has ${lines} lines; split it by what it speaks of.`] : [];
  });
}

const FUNCTIONS: ReadonlySet<string> = new Set([
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
]);

/** Functions that are too long, of whatever form and wherever they stand. */
export function longFunctions(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    [...nodesOf(file)]
      .filter(({ node, from, to }) => FUNCTIONS.has(node.type) && to - from + 1 > MOST_LINES.function)
      .map(({ from, to }) => {
        const what = `begins a function of ${to - from + 1} lines; ${MOST_LINES.function} is the most.`;
        return `${file.path}:${from} ${what}`;
      }),
  );
}

const UNWANTED: readonly [RegExp, string][] = [
  [/\bTO[D]O\b|\bFI[X]ME\b/, 'a note to do something later'],
  [/\bregistry\.(npmjs|yarnpkg)\.|\bproxy\.golang\.|\bpypi\.org\b/, 'the host of a package registry'],
  [/(^|[\s"'`(=])\/(work|root|Users|home)\/\w/m, 'a path of one machine'],
];

/** Notes for later, and names of the machine that a file was written on. */
export function leftovers(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    UNWANTED.filter(([pattern]) => pattern.test(text)).map(([, what]) => `${path} holds ${what}.`),
  );
}

/** Methods of libraries that return promises, whose types are too deep for the linter's `noFloatingPromises`. */
const PROMISING: ReadonlySet<string> = new Set([
  ...['execute', 'executeTakeFirst', 'executeTakeFirstOrThrow'],
  ...[
    'flush',
    'transactional',
    'begin',
    'commit',
    'rollback',
    'insertMany',
    'upsertMany',
    'nativeUpdate',
    'nativeDelete',
  ],
  ...['publish', 'quit'],
]);

/** Statements that call such a method and take no notice of the promise. The linter sees all calls of our own. */
export function floatingLibraryCalls(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    [...nodesOf(file)].flatMap(({ node, from }) => {
      if (node.type !== 'ExpressionStatement' || node.expression.type !== 'CallExpression') return [];
      const { callee } = node.expression;
      const name =
        callee.type === 'MemberExpression' && callee.property.type === 'Identifier' ? callee.property.name : '';
      return PROMISING.has(name) ? [`${file.path}:${from} calls ${name} and takes no notice of its promise.`] : [];
    }),
  );
}
