import { OPERATIONS } from '../../operations/register.ts';

/** The register as the table of docs/operations-register.md, formatted as the linter would. */
export function registerTable(): string {
  const head = ['operation', 'does', 'effect', 'risk', 'permission', 'input'];
  const rows = OPERATIONS.map(({ name, summary, effect, risk, permission, inputSchema }) => [
    `\`${name}\``,
    summary,
    effect,
    `\`${risk}\``,
    `\`${permission}\``,
    inputOf(inputSchema()),
  ]);
  const table = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

function inputOf(schema: ReturnType<(typeof OPERATIONS)[number]['inputSchema']>): string {
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  const names = Object.keys(schema.properties ?? {}).map((name) => `\`${name}${required.has(name) ? '' : '?'}\``);
  return names.length === 0 ? '' : names.join(', ');
}
