import type { TraceId } from '../ids.ts';
import type { RunPath } from '../traces/path.ts';

/** Where a model call stands, as far as its key says. */
interface CallPlace {
  readonly execution: { readonly traceId: TraceId };
  readonly path: RunPath;
  readonly step: number;
}

/** The key of one attempt at a model call: what it reserves of budgets is known by it. @param attempt from 1 */
export function callKey({ execution, path, step }: CallPlace, attempt: number): string {
  return `${execution.traceId}/${path}/${step}/${attempt}`;
}

/** The path of the run whose call has this key. */
export function pathOfCallKey(key: string): RunPath {
  return key.split('/').slice(1, -2).join('/');
}
