import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { isWireName } from '../../domain/models/tool-names.ts';
import type { Script, ScriptedAnswer, Turn } from './script.ts';

/** A request as the scripted provider received it. */
export interface ReceivedRequest {
  readonly model: string;
  /** Every text of its messages, one after the other. */
  readonly text: string;
  readonly toolNames: readonly string[];
  /** The names of tools, those of earlier calls included, that a provider refuses. */
  readonly refusedNames: readonly string[];
  /** What came, parsed. */
  readonly body: unknown;
  /** The header `authorization`; null where there was none. */
  readonly authorization: string | null;
}

/** The turns of a script, and which of them were used. */
export class Turns {
  readonly #turns: readonly Turn[];
  readonly #used: number[];
  readonly #surplus: string[] = [];

  constructor({ turns }: Script) {
    this.#turns = turns;
    this.#used = turns.map(() => 0);
  }

  /** The answer of the first turn that is left and fits; a sentence where there is none, which is a fault. */
  next(request: ReceivedRequest): ScriptedAnswer | string {
    const misfits: string[] = [];
    for (const [index, { expect, answer, repeat }] of this.#turns.entries()) {
      const used = this.#used[index] ?? 0;
      if (repeat !== true && used >= repeat) continue;
      const misfit = misfitOf(expect, request);
      if (misfit === null) {
        this.#used[index] = used + 1;
        return answer;
      }
      misfits.push(`turn ${index + 1}: ${misfit}`);
    }
    const why = misfits.length === 0 ? 'every turn was used' : misfits.join('; ');
    const surplus = `No turn of the script fits request ${this.#count() + 1} (${why}).`;
    this.#surplus.push(surplus);
    return surplus;
  }

  /** One sentence for each turn that was not used as often as it says, and for each request that no turn fitted. */
  faults(): readonly string[] {
    const unused = this.#turns.flatMap(({ repeat }, index) => {
      const used = this.#used[index] ?? 0;
      const wanted = repeat === true ? 0 : repeat;
      return used >= wanted ? [] : [`Turn ${index + 1} of the script was used ${used} times, not ${wanted}.`];
    });
    return [...this.#surplus, ...unused];
  }

  #count(): number {
    return this.#used.reduce((sum, used) => sum + used, this.#surplus.length);
  }
}

function misfitOf({ contains = [], model, toolNames }: Turn['expect'], request: ReceivedRequest): string | null {
  if (model !== undefined && model !== request.model) return `it expects the model ${model}, not ${request.model}`;
  const missing = contains.find((text) => !request.text.includes(text));
  if (missing !== undefined) return `it expects a message with ${JSON.stringify(missing)}`;
  if (toolNames === undefined) return null;
  const [wanted, found] = [toolNames, request.toolNames].map((names) => names.toSorted().join(', '));
  return wanted === found ? null : `it expects the tools ${wanted || 'none'}, not ${found || 'none'}`;
}

/** Reads the body of a request for a chat completion. */
export function readRequest(body: unknown, authorization: string | null): ReceivedRequest {
  const fields = isJsonObject(body) ? body : {};
  const items = (value: unknown) => (Array.isArray(value) ? (value as unknown[]).filter(isJsonObject) : []);
  const nameOf = (tool: JsonObject) => (isJsonObject(tool.function) ? String(tool.function.name) : '');
  const names = items(fields.tools).map(nameOf);
  const called = items(fields.messages).flatMap((message) => items(message.tool_calls).map(nameOf));
  return {
    model: String(fields.model),
    text: items(fields.messages).map(textOf).join('\n'),
    toolNames: names,
    refusedNames: [...names, ...called].filter((name) => !isWireName(name)),
    ...{ body, authorization },
  };
}

function textOf({ content, tool_calls: calls }: { readonly [name: string]: unknown }): string {
  const text = typeof content === 'string' ? content : JSON.stringify(content ?? '');
  return calls === undefined ? text : `${text}\n${JSON.stringify(calls)}`;
}
