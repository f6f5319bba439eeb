import { MusterError } from '../errors.ts';
import { type ModelCost, NO_COST } from './model-cost.ts';

/** How a model call can fail. `model_unavailable` alone is worth repeating. */
export type ModelCallCode = 'model_refused' | 'model_unavailable' | 'model_key_missing' | 'model_unknown';

/** A model call has no answer. Holds neither a key nor anything of the request. */
export class ModelCallFailed extends MusterError {
  readonly code: ModelCallCode;
  override readonly retryable: boolean;
  /** How long to wait before the same call; null where nobody said, or where repeating cannot help. */
  readonly retryAfterMs: number | null;
  /** What the call may have cost all the same: the estimates of the ways that broke off. 0 where nothing was paid for. */
  readonly lost: ModelCost;

  constructor(
    code: ModelCallCode,
    message: string,
    {
      retryAfterMs = null,
      lost = NO_COST,
      ...facts
    }: {
      readonly model: string;
      readonly provider?: string;
      readonly status?: number;
      readonly retryAfterMs?: number | null;
      /** @defaultValue nothing */
      readonly lost?: ModelCost;
    },
  ) {
    super(message, { ...facts, ...(retryAfterMs === null ? {} : { retryAfterMs }) });
    this.lost = lost;
    this.code = code;
    this.retryable = code === 'model_unavailable';
    this.retryAfterMs = retryAfterMs;
  }
}

const lostBefore = new WeakMap<object, ModelCost>();

/** Notes what a model call may have cost before this ended it, and throws the same. */
export function throwAfter(error: unknown, lost: ModelCost): never {
  if (typeof error === 'object' && error !== null) lostBefore.set(error, lost);
  throw error;
}

/** What a model call may have cost that ended with this error: the estimates of the ways that broke off before. */
export function lostWith(error: unknown): ModelCost {
  if (error instanceof ModelCallFailed) return error.lost;
  return (typeof error === 'object' && error !== null ? lostBefore.get(error) : undefined) ?? NO_COST;
}

/** The settings of providers and models cannot be used. Every fault is named; nothing was called. */
export class ModelSettingsInvalid extends MusterError {
  readonly code = 'model_settings_invalid';
  readonly faults: readonly string[];
  constructor(source: string, faults: readonly string[]) {
    super(`${source} cannot be used: ${faults.join('; ')}. docs/models.md shows a complete file.`, { source });
    this.faults = faults;
  }
}
