import type { ModelTool } from './model-messages.ts';

const MOST_CHARACTERS = 64;
const REFUSED = /[^a-zA-Z0-9_-]/g;

/** Whether a provider takes this as the name of a tool. */
export function isWireName(name: string): boolean {
  return name !== '' && name.length <= MOST_CHARACTERS && name.search(REFUSED) < 0;
}

/** The names of a request's tools as providers take them. `messages.send` goes out as `messages_send`. */
export class ToolNames {
  readonly #wire = new Map<string, string>();
  readonly #own = new Map<string, string>();

  /** Names that fit stay as they are; the same tools always get the same names. */
  constructor(tools: readonly Pick<ModelTool, 'name'>[]) {
    const names = tools.map(({ name }) => name);
    for (const name of names.filter(isWireName)) this.#add(name, name);
    for (const name of names) if (!this.#wire.has(name)) this.#add(name, this.#free(cleaned(name)));
  }

  /** How a tool is called towards a provider. An earlier answer may name one that is none of the request's. */
  toWire(name: string): string {
    return this.#wire.get(name) ?? cleaned(name);
  }

  /** The tool that a provider means; what is none of the request's tools stays as it came. */
  fromWire(name: string): string {
    return this.#own.get(name) ?? name;
  }

  #add(name: string, wire: string): void {
    this.#wire.set(name, wire);
    this.#own.set(wire, name);
  }

  #free(wanted: string): string {
    for (let number = 2, wire = wanted; ; number += 1) {
      if (!this.#own.has(wire)) return wire;
      const end = `_${number}`;
      wire = wanted.slice(0, MOST_CHARACTERS - end.length) + end;
    }
  }
}

function cleaned(name: string): string {
  return name.replaceAll(REFUSED, '_').slice(0, MOST_CHARACTERS) || '_';
}
