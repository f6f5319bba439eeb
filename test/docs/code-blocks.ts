import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../architecture/source-files.ts';

/** One fenced block of a Markdown file. */
export interface CodeBlock {
  readonly language: string;
  readonly text: string;
}

/** The fenced blocks of a Markdown file, in order. */
export function codeBlocks(path: string): readonly CodeBlock[] {
  const markdown = readFileSync(join(ROOT, path), 'utf8');
  return [...markdown.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', text = '']) => ({
    language,
    text,
  }));
}

/** The files that a Markdown file shows: TypeScript blocks that begin with `// name.ts`, by that name. */
export function namedFiles(path: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const { language, text } of codeBlocks(path)) {
    const name = /^\/\/ ([\w-]+\.ts)\n/.exec(text)?.[1];
    if (language === 'ts' && name !== undefined) files.set(name, text.replace(/^.*\n/, ''));
  }
  return files;
}
