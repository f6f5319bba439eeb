/** Statements that lose or rewrite existing data, each with its reason. Constraints and indexes hold no data. */
const FORBIDDEN: ReadonlyArray<readonly [RegExp, string]> = [
  [/\bdrop\s+(table|schema|column|view|materialized\s+view|sequence|type|domain|database|role)\b/, 'drops what exists'],
  [/\balter\s+table\b.*\bdrop\s+(?!constraint\b|not\b|default\b|expression\b|identity\b)/, 'drops a column'],
  [/\balter\s+(column\s+)?\S+\s+(set\s+data\s+)?type\b/, "changes a column's type"],
  [/\brename\s+(to|column|constraint|value|attribute)\b|\balter\s+table\b.*\brename\b/, 'renames'],
  [/\btruncate\b(?!.*\b(on|trigger)\b)/, 'empties a table'],
  [/(?:^|\b(?:begin|then|else|loop) )delete\s+from\b(?!.*\bwhere\b)/, 'deletes every row'],
  [/(?:^|\b(?:begin|then|else|loop) )update\b(?!.*\bwhere\b)/, 'changes every row'],
  [/\balter\s+column\s+\S+\s+set\s+not\s+null\b/, 'tightens a column'],
  [/\bdisable\s+(row\s+level\s+security|trigger)\b|\bno\s+force\s+row\s+level\s+security\b/, 'lifts a guard'],
  [
    /^(commit|rollback|start transaction)\b|^begin( work| transaction)?$/,
    'ends the transaction that the migration runs in',
  ],
];

/**
 * The statements of a migration that do more than add, as sentences; empty when it only adds. Text in comments, strings
 * and function bodies does not count.
 */
export function lintMigration(source: string): string[] {
  return splitStatements(stripText(source)).flatMap((statement) =>
    FORBIDDEN.filter(([pattern]) => pattern.test(statement)).map(
      ([, reason]) => `it ${reason} ("${statement.slice(0, 80)}")`,
    ),
  );
}

function splitStatements(code: string): string[] {
  return code
    .split(';')
    .map((statement) => statement.replace(/\s+/g, ' ').trim().toLowerCase())
    .filter((statement) => statement !== '');
}

/**
 * Replaces comments (nested ones too), strings and the bodies of functions by blanks, and quoted names by a plain word,
 * so that what is left is only code that runs now. The body of a `do` runs now too and stays.
 */
export function stripText(source: string): string {
  let code = '';
  let at = 0;
  while (at < source.length) {
    const end = endOfText(source, at);
    code += end === null ? source[at] : replacement(code, source.slice(at, end));
    at = end ?? at + 1;
  }
  return code;
}

function replacement(before: string, text: string): string {
  if (text.startsWith('"')) return 'quoted_name';
  const tag = DOLLAR_TAG.exec(text)?.[0];
  if (tag === undefined || !/(^|;)\s*do(\s+language\s+\w+)?\s*$/i.test(before)) return ' ';
  return `;${stripText(text.slice(tag.length, -tag.length))};`;
}

const DOLLAR_TAG = /^\$([A-Za-z_][A-Za-z0-9_]*)?\$/;

/** Where the comment, string, quoted name or dollar-quoted body that begins here ends; null when none begins. */
function endOfText(source: string, start: number): number | null {
  const rest = source.slice(start, start + 80);
  const before = source.slice(Math.max(0, start - 2), start);
  if (rest.startsWith('--')) return endAfter(source, '\n', start);
  if (rest.startsWith('/*')) return endOfBlockComment(source, start);
  if (rest.startsWith("'")) return endOfQuoted(source, start, "'", /(^|\W)e$/i.test(before));
  if (rest.startsWith('"')) return endOfQuoted(source, start, '"', false);
  const tag = DOLLAR_TAG.exec(rest)?.[0];
  // Within a name a dollar sign is a letter like any other.
  return tag === undefined || /\w$/.test(before) ? null : endAfter(source, tag, start + tag.length);
}

function endAfter(source: string, mark: string, from: number): number {
  const at = source.indexOf(mark, from);
  return at < 0 ? source.length : at + mark.length;
}

function endOfBlockComment(source: string, start: number): number {
  let depth = 0;
  for (let at = start; at < source.length; at += 1) {
    const pair = source.slice(at, at + 2);
    if (pair === '/*') depth += 1;
    if (pair === '*/') depth -= 1;
    if (pair === '/*' || pair === '*/') at += 1;
    if (depth === 0) return at + 1;
  }
  return source.length;
}

function endOfQuoted(source: string, start: number, quote: string, escapes: boolean): number {
  for (let at = start + 1; at < source.length; at += 1) {
    if (escapes && source[at] === '\\') at += 1;
    else if (source[at] === quote && source[at + 1] === quote) at += 1;
    else if (source[at] === quote) return at + 1;
  }
  return source.length;
}
