import type { Muster } from '../../../index.ts';
import { chained, NO_LINES } from '../../../operations/traces/trace-file.ts';

/** The lines that a task is exported as. */
export async function linesOf(
  client: Muster,
  task: { readonly id: string; readonly contents?: boolean },
): Promise<readonly string[]> {
  const lines: string[] = [];
  for (let after: string | null = ''; after !== null; ) {
    const page = await client.operations.tasks.export({ ...task, ...(after === '' ? {} : { after }) });
    lines.push(...page.lines);
    after = page.next;
  }
  return lines;
}

/** The same file with other lines, and the digest that they have. */
export function resealed(lines: readonly string[]): readonly string[] {
  const chain = lines.slice(0, -1).reduce(chained, NO_LINES);
  return [...lines.slice(0, -1), JSON.stringify({ is: 'end', ...chain })];
}
