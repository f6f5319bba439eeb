import { z } from 'zod';
import { parsePointer } from '../../domain/graphs/json-pointer.ts';
import { formatPointer, isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { GraphRepository } from '../../entities/graphs/graph-repository.ts';
import { TemplateRepository } from '../../entities/templates/template-repository.ts';
import { definedName, taskQueue, text, yesOrNo } from '../../options/fields.ts';
import { OptionInvalid } from '../../options/parse-options.ts';
import { defineOperation } from '../define.ts';
import { type AppliedGraph, applyDefinition } from '../graphs/apply.ts';
import { compileGraphs } from '../graphs/compile-document.ts';
import { requireGranted } from '../graphs/require-granted.ts';
import { GraphExists, TemplateUnknown } from './template-errors.ts';

export interface UseTemplateInput {
  readonly template: string;
  /** The name of the new graph. */
  readonly name: string;
  /** What is otherwise than in the template: values by their places in its document, as JSON Pointers. */
  readonly set?: Readonly<Record<string, Json>>;
  /** Writes a draft. @defaultValue false */
  readonly draft?: boolean;
  readonly taskQueue?: string;
}

/** A graph that was made from a template. */
export interface UsedTemplate extends AppliedGraph {
  readonly template: string;
  readonly revision: number;
}

const MAX_SET = 200;

/** @throws TemplateUnknown, GraphExists, GraphInvalid, OptionInvalid, PermissionDenied */
export const useTemplate = defineOperation({
  name: 'templates.use',
  summary: 'Makes a graph of a template, which does not depend on it any more.',
  effect: 'write',
  risk: 'high_risk',
  permission: 'graphs:publish',
  // Counts the uses of a template that belongs to every tenant.
  unit: 'publish',
  input: {
    ...{ template: text(), name: definedName, draft: yesOrNo.optional(), taskQueue: taskQueue.optional() },
    set: z
      .custom<Readonly<Record<string, Json>>>((value) => isJsonObject(value) && Object.keys(value).length <= MAX_SET, {
        error: `an object of at most ${MAX_SET} values by JSON Pointers`,
      })
      .meta({ type: 'object' })
      .optional(),
  },
  async handle(call, { template: from, name, set = {}, ...options }: UseTemplateInput): Promise<UsedTemplate> {
    const { em, caller, stores } = call;
    const templates = new TemplateRepository(em);
    const known = await templates.agents(caller.tenant);
    const template = known.get(from);
    if (template === undefined) throw new TemplateUnknown(from, [...known.keys()]);
    const value = { ...withValues(template.document, set), name };
    const [definition] = await compileGraphs(em, caller.tenant, [{ value, place: placed }]);
    if (definition === undefined) throw new Error('A template makes one graph.');
    requireGranted(caller, definition, stores);
    const graphs = new GraphRepository(em);
    await graphs.lock(caller.tenant, name);
    if ((await graphs.versions(caller.tenant, name)).length > 0) throw new GraphExists(name);
    const { revision } = template;
    const applied = await applyDefinition(call, definition, { ...options, metadata: { template: from, revision } });
    await templates.used(template);
    return { ...applied, template: from, revision };
  },
});

/** A template has no lines. */
function placed<Fault>(fault: Fault, path: readonly string[]): Fault {
  return { ...fault, path: formatPointer(path) };
}

/** @throws OptionInvalid for a place that is not in the document */
function withValues(document: JsonObject, set: Readonly<Record<string, Json>>): JsonObject {
  return Object.entries(set).reduce<JsonObject>((before, [pointer, value]) => {
    const after = withValue(before, parsePointer(pointer) ?? [], value);
    if (isJsonObject(after)) return after;
    throw new OptionInvalid('templates.use', [
      `\`set\` names the place ${JSON.stringify(pointer)}, which the template has not`,
    ]);
  }, document);
}

/** Undefined where an object on the way is not there; the last name may be new. */
function withValue(within: Json | undefined, [token, ...rest]: readonly string[], value: Json): Json | undefined {
  if (token === undefined || !isJsonObject(within)) return undefined;
  const below = Object.hasOwn(within, token) ? within[token] : undefined;
  const changed = rest.length === 0 ? value : withValue(below, rest, value);
  return changed === undefined ? undefined : { ...within, [token]: changed };
}
