import { VERSION_LIMITS } from '../../domain/graphs/kinds.ts';
import { shortText, tenantName, wholeNumber } from '../input/option-values.ts';

/** The option of every command of graphs. */
export const TENANT = ['--tenant <tenant>', 'the tenant (default: MUSTER_TENANT, or default)', tenantName] as const;

export const versionNumber = wholeNumber(VERSION_LIMITS);

/** A graph by its name, or one of its versions as `NAME@VERSION`. */
export interface NamedGraph {
  readonly graph: string;
  readonly version?: number;
}

export function graphVersion(value: string): NamedGraph {
  const [, graph = value, version] = /^(.+)@(\d+)$/.exec(value) ?? [];
  return { graph: shortText(graph), ...(version === undefined ? {} : { version: versionNumber(version) }) };
}
