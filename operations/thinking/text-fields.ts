import type { TraceId } from '../../domain/ids.ts';
import { isUuid } from '../../domain/ids.ts';
import { parsePath, type RunPath } from '../../domain/traces/path.ts';
import { textLike } from '../../options/fields.ts';

/** How operations on what a model says know the run. */
export const RUN_FIELDS = {
  traceId: textLike<TraceId>("a trace's id, a UUID in lower case", isUuid),
  path: textLike<RunPath>("a run's path", (path) => parsePath(path) !== null),
};

export interface RunInput {
  readonly traceId: TraceId;
  readonly path: RunPath;
}
