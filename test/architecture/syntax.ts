import { stripTypeScriptTypes } from 'node:module';
import { type AnyNode, type Node, parse } from 'acorn';
import type { SourceFile } from './source-files.ts';

/** A node of the syntax of a file, with the lines from which to which it reaches. */
export interface Place {
  readonly node: AnyNode;
  readonly from: number;
  readonly to: number;
}

/** Every node of a file, types left out. Types become blanks, so that lines and places stay. */
export function* nodesOf({ text }: SourceFile): Generator<Place> {
  const code = stripTypeScriptTypes(text, { mode: 'strip' });
  for (const node of walk(parse(code, { ecmaVersion: 'latest', sourceType: 'module', locations: true }))) {
    if (node.loc) yield { node, from: node.loc.start.line, to: node.loc.end.line };
  }
}

function* walk(node: Node): Generator<AnyNode> {
  // Every node that acorn makes is one of those that it names.
  yield node as AnyNode;
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) yield* walk(child);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}
