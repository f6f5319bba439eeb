import { matchAll } from './faults.ts';
import type { SourceFile } from './source-files.ts';

/** The workflows that the register names. */
export function registeredWorkflows({ text }: SourceFile): string[] {
  return matchAll(text, /^export \{ (\w+) \} from/gm);
}

/** The activities that the register names, those without an input included. */
export function registeredActivities({ text }: SourceFile): string[] {
  return matchAll(text, /^ {4}(\w+): (?:async )?\(.*\) =>/gm);
}

/** Workflows by what their files export. */
export function definedWorkflows(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => /^workflows\/.+\/.+\.ts$/.test(path))
    .flatMap(({ text }) => matchAll(text, /^export async function (\w+)\(/gm));
}

/** Names that two workflows, two activities, or one of each have. */
export function sharedNames(names: readonly string[]): string[] {
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  return twice.map((name) => `${name} names two things; logs and the Web UI could not tell them apart.`);
}

/** What is in one list and not in the other. */
export function differences(
  one: readonly string[],
  other: readonly string[],
  says: (name: string) => string,
): string[] {
  return [...new Set(one).symmetricDifference(new Set(other))].map(says);
}

/** Workflows of which no history is replayed. */
export function unreplayed(workflows: readonly string[], histories: readonly SourceFile[]): string[] {
  return workflows
    .filter((name) => !histories.some(({ text }) => text.includes(`"workflowType":{"name":"${name}"}`)))
    .map((name) => `No history of ${name} is in test/histories; record one with test/histories/record.ts.`);
}
