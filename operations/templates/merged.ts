import { isJsonObject, type JsonObject } from '../../domain/json.ts';

/** Puts one object over another: objects within are merged in the same way, anything else is replaced. */
export function merged(base: JsonObject, over: JsonObject): JsonObject {
  const names = [...new Set([...Object.keys(base), ...Object.keys(over)])];
  const entries = names.map((name) => {
    const [below, above] = [base, over].map((object) => (Object.hasOwn(object, name) ? object[name] : undefined));
    if (above === undefined) return [name, below ?? null] as const;
    return [name, isJsonObject(below) && isJsonObject(above) ? merged(below, above) : above] as const;
  });
  return Object.fromEntries(entries);
}
