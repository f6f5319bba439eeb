import assert from 'node:assert/strict';
import type { SourceFile } from './source-files.ts';

/** Fails with every fault on a line of its own. */
export function assertNone(faults: readonly string[]): void {
  assert.equal(faults.length, 0, `\n${faults.join('\n')}`);
}

/** Every first group of a pattern in a text. */
export function matchAll(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] ?? '');
}

/** The number of the line in which a place of a text lies. */
export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

/** A file that a test plants to see a gate close. */
export function planted(path: string, ...lines: readonly string[]): SourceFile {
  return { path, text: `${lines.join('\n')}\n` };
}
