/** Where one element of an array stands in a JSON source: its own line and the line of each of its keys. */
export interface ElementPosition {
  readonly line: number;
  readonly keys: ReadonlyMap<string, number>;
}

interface Level {
  readonly array: boolean;
  readonly elements: Array<{ line: number; keys: Map<string, number> }>;
  lastKey: string | null;
  expectsKey: boolean;
}

/**
 * Finds the lines of the objects inside an array of valid JSON text: the array under `key` of the outermost object, or
 * the outermost array when `key` is null. `JSON.parse` gives values without positions, and a digest must cite lines.
 * One pass, no recursion; elements come in source order.
 */
export function elementPositions(text: string, key: string | null): ElementPosition[] {
  const stack: Level[] = [];
  const depth = key === null ? 1 : 2;
  let line = 1;
  let found: Level | null = null;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    const top = stack.at(-1);
    if (character === '\n') line++;
    else if (character === '"') {
      const end = stringEnd(text, at);
      if (top !== undefined && !top.array && top.expectsKey) {
        top.lastKey = JSON.parse(text.slice(at, end + 1)) as string;
        top.expectsKey = false;
        if (found !== null && stack.length === depth + 1) found.elements.at(-1)?.keys.set(top.lastKey, line);
      }
      at = end;
    } else if (character === '{' || character === '[') {
      if (found !== null && stack.length === depth && character === '{') found.elements.push({ line, keys: new Map() });
      const level: Level = { array: character === '[', elements: [], lastKey: null, expectsKey: character === '{' };
      stack.push(level);
      if (level.array && stack.length === depth && (key === null || top?.lastKey === key)) found = level;
    } else if (character === '}' || character === ']') {
      if (stack.pop() === found && found !== null) return found.elements;
    } else if (character === ',' && top !== undefined) top.expectsKey = !top.array;
  }
  return [];
}

function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}
