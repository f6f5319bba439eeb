/** One step into a JSON document: a key of an object, or a position in a list. */
export type JsonPath = ReadonlyArray<string | number>;

/** Where one element of an array stands in a JSON source: its own line and the line of each of its keys. */
export interface ElementPosition {
  readonly line: number;
  readonly keys: ReadonlyMap<string, number>;
}

interface Level {
  readonly array: boolean;
  /** Whether this container is on the way to the wanted array, as far as its depth. */
  readonly onPath: boolean;
  step: string | number;
  expectsKey: boolean;
}

/**
 * Finds the lines of the objects inside the array at a path of valid JSON text. `JSON.parse` gives values without
 * positions, and a digest must cite lines. One pass, no recursion; elements come in source order.
 */
export function elementPositions(text: string, path: JsonPath): ElementPosition[] {
  const stack: Level[] = [];
  const elements: Array<{ line: number; keys: Map<string, number> }> = [];
  let line = 1;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    const top = stack.at(-1);
    if (character === '\n') line++;
    else if (character === '"') {
      const end = stringEnd(text, at);
      if (top?.expectsKey === true) {
        top.step = JSON.parse(text.slice(at, end + 1)) as string;
        top.expectsKey = false;
        if (top.onPath && stack.length === path.length + 2) elements.at(-1)?.keys.set(top.step, line);
      }
      at = end;
    } else if (character === '{' || character === '[') {
      const level = levelIn(stack, path, character === '[');
      if (level.onPath && stack.length === path.length + 1 && !level.array) elements.push({ line, keys: new Map() });
      stack.push(level);
    } else if (character === '}' || character === ']') {
      if (stack.pop()?.onPath === true && stack.length === path.length) return elements;
    } else if (character === ',' && top !== undefined) {
      top.expectsKey = !top.array;
      if (typeof top.step === 'number') top.step++;
    }
  }
  return [];
}

/** A container on the path, or an element of the array that the path leads to. */
function levelIn(stack: readonly Level[], path: JsonPath, array: boolean): Level {
  const parent = stack.at(-1);
  const depth = stack.length;
  const onPath = parent === undefined || (parent.onPath && (depth > path.length || parent.step === path[depth - 1]));
  return { array, onPath, step: array ? 0 : '', expectsKey: !array };
}

function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}
