import { MusterError } from '../../domain/errors.ts';
import { nearestName } from '../../domain/nearest-name.ts';

/** No template has this name. Nothing was written. */
export class TemplateUnknown extends MusterError {
  readonly code = 'template_unknown';
  /** @param known the names that there are */
  constructor(name: string, known: readonly string[]) {
    const nearest = nearestName(name, known);
    const hint = nearest === null ? '`muster templates` lists them' : `Did you mean "${nearest}"?`;
    super(`There is no template "${name}". ${hint}`.replace(/([^.?])$/, '$1.'), { template: name });
  }
}

/** A graph of the tenant has this name already. Nothing was written. */
export class GraphExists extends MusterError {
  readonly code = 'graph_exists';
  constructor(graph: string) {
    super(`There is a graph "${graph}" already, and it is left as it is. Use another name.`, { graph });
  }
}
