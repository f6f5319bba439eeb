import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { filesEndingIn, readText } from '../architecture/source-files.ts';
import { codeBlocks, namedFiles } from './code-blocks.ts';

/** The only place that says what programs import: an example that imports anything else does not compile. */
const { name: PACKAGE_NAME }: { name: string } = JSON.parse(readText('package.json'));

/** What the examples speak of and do not define themselves. */
const SETTING = `
import { connect, defineAgent, defineGraph, type Evaluation, type Graph, hasErrorCode } from '${PACKAGE_NAME}';
import { runWorker } from '${PACKAGE_NAME}/worker';
declare const greeting: Graph;
declare const supportEval: Evaluation;
`;

/**
 * Writes every example of the client and the worker, and every program of the documents, into a folder, as files that
 * compile where the package is installed. The named files of a page import each other, in a folder of their own.
 * @returns their names
 */
export function writeExamples(folder: string): string[] {
  const programs = new Map<string, string>();
  for (const path of ['client.ts', 'worker.ts']) {
    examplesOf(readText(path)).forEach((example, index) => {
      programs.set(`${path.replace('.ts', '')}-${index}.ts`, `${settingOf(path)}${example}\nexport {};\n`);
    });
  }
  for (const path of filesEndingIn('.md').map((file) => file.path)) {
    codeBlocks(path)
      .filter(({ language, text }) => language === 'ts' && !text.startsWith('// '))
      .forEach(({ text }, index) => {
        programs.set(`${path.replace(/\W/g, '-')}-${index}.ts`, `${text}\nexport {};\n`);
      });
    for (const [name, text] of namedFiles(path)) programs.set(`${path.replace(/\W/g, '-')}/${name}`, text);
  }
  for (const [name, text] of programs) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return [...programs.keys()];
}

/** Every example but that of `connect` itself may speak of a connected `muster`. */
function settingOf(path: string): string {
  return path === 'client.ts' ? `${SETTING}declare const id: string;\n` : SETTING;
}

function examplesOf(text: string): string[] {
  return [...text.matchAll(/@example\n([\s\S]*?)(?:\n\s*\*\s*\n|\n\s*\* @|\*\/)/g)].map(([, lines = '']) => {
    const code = lines.replace(/^\s*\* ?/gm, '');
    return code.includes('await connect()') ? code : `const muster = await connect();\n${code}`;
  });
}
