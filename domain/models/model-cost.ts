/** What calls come to: tokens of input and output, and millionths of the currency. */
export interface ModelCost {
  readonly tokens: number;
  readonly costMicros: number;
}

export const NO_COST: ModelCost = { tokens: 0, costMicros: 0 };

export function addCost(one: ModelCost, other: ModelCost): ModelCost {
  return { tokens: one.tokens + other.tokens, costMicros: one.costMicros + other.costMicros };
}
