import { ModelCallFailed } from '../domain/models/model-errors.ts';
import type { ModelRoute, ModelSettings } from '../domain/models/model-settings.ts';
import { nearestName } from '../domain/nearest-name.ts';

/**
 * The ways to a model, in the order in which they are tried.
 * @param only the provider that alone may be called; by default all that the model has
 * @throws ModelCallFailed `model_unknown`
 */
export function routesOf({ models }: ModelSettings, model: string, only?: string): readonly ModelRoute[] {
  if (Object.hasOwn(models, model)) {
    const routes = (models[model] ?? []).filter(({ provider }) => only === undefined || provider === only);
    if (routes.length > 0 || only === undefined) return routes;
    throw new ModelCallFailed('model_unknown', `The model "${model}" is not at the provider "${only}".`, { model });
  }
  const nearest = nearestName(model, Object.keys(models));
  const hint = nearest === null ? `there are ${Object.keys(models).join(', ') || 'none'}` : `did you mean ${nearest}?`;
  throw new ModelCallFailed('model_unknown', `The settings have no model "${model}" (${hint}).`, { model });
}
