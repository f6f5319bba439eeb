/** What a budget limits. */
export const BUDGET_AMOUNTS = ['tokens', 'money', 'steps', 'time', 'depth', 'fan_out'] as const;
export type BudgetAmount = (typeof BUDGET_AMOUNTS)[number];

/** What a call may cost, or did cost: tokens, money in micro-units of the installation's currency, and model calls. */
export interface BudgetAsk {
  readonly tokens: number;
  readonly costMicros: number;
  readonly steps: number;
}

/** The limits of one scope. Null: no limit. */
export interface BudgetLimits {
  readonly tokens: number | null;
  /** In micro-units: 2,500,000 is 2.50. */
  readonly money: number | null;
  /** Model calls. */
  readonly steps: number | null;
  /** Milliseconds since the first reservation of the scope. */
  readonly time: number | null;
  /** How many tasks may stand one below the other. */
  readonly depth: number | null;
  /** How many tasks may be spawned below the scope, at any depth. */
  readonly fan_out: number | null;
}

export const NO_LIMITS: BudgetLimits = {
  ...{ tokens: null, money: null, steps: null, time: null, depth: null, fan_out: null },
};

/** Amounts as users write them. What is left out has no limit. */
export interface BudgetOptions {
  /** A whole number, or a text such as `'100k'` or `'1.5M'`. */
  readonly tokens?: number | string;
  /** In the installation's currency, with up to six decimals: `2.5` or `'2.50'`. */
  readonly money?: number | string;
  /** Model calls. */
  readonly steps?: number;
  /** Wall time since the scope's first model call. */
  readonly minutes?: number;
  /** How many tasks may stand one below the other: 0 for a task that spawns none. */
  readonly depth?: number;
  /** How many tasks may be spawned below, at any depth. */
  readonly fanOut?: number;
}

/**
 * What becomes of a run whose next model call a budget has no room for. `end`: it fails with `budget_exhausted`, and keeps
 * what it had said. `wait`: it waits, without a place in a worker, until there is room or its task's deadline passes.
 */
export const WHEN_EXHAUSTED = ['end', 'wait'] as const;
export type WhenExhausted = (typeof WHEN_EXHAUSTED)[number];

/** The budget of a task that is submitted. */
export interface TaskBudgetOptions extends BudgetOptions {
  /** Levels and spawned tasks are refused in either case. @defaultValue 'end' */
  readonly whenExhausted?: WhenExhausted;
}

/** The largest amount: with it, sums of thousands of reservations are still exact in a program and in PostgreSQL. */
export const MOST_AMOUNT = 1_000_000_000_000;
const MICROS = 1_000_000;
export const MOST_MINUTES = 10_000_000;
const MINUTE_MS = 60_000;
const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1_000, m: 1_000_000 };

/** A count such as 100000, `'100000'`, `'100k'` or `'1.5M'`. Null for anything else, and for parts of one. */
export function readCount(given: unknown): number | null {
  const [, digits, unit = ''] = /^(\d{1,13}(?:\.\d{1,6})?)([kM]?)$/i.exec(decimalText(given)) ?? [];
  if (digits === undefined) return null;
  const count = readDecimal(digits) * (UNITS[unit.toLowerCase()] ?? 1);
  return count % MICROS === 0 ? within(count / MICROS) : null;
}

/** Money such as 2.5 or `'2.50'`, in micro-units. Null for anything else. */
export function readMoney(given: unknown): number | null {
  const text = decimalText(given);
  return /^\d{1,6}(\.\d{1,6})?$/.test(text) ? within(readDecimal(text)) : null;
}

/** By its digits, in millionths: a product with a fraction would not be exact. */
function readDecimal(digits: string): number {
  const [whole = '', fraction = ''] = digits.split('.');
  return Number(whole) * MICROS + Number(fraction.padEnd(6, '0'));
}

function decimalText(given: unknown): string {
  return typeof given === 'number' ? String(given) : typeof given === 'string' ? given.trim() : '';
}

function within(amount: number): number | null {
  return Number.isSafeInteger(amount) && amount <= MOST_AMOUNT ? amount : null;
}

/** The limits that checked options mean. */
export function limitsOfOptions({ tokens, money, steps, minutes, depth, fanOut }: BudgetOptions): BudgetLimits {
  return {
    tokens: tokens === undefined ? null : readCount(tokens),
    money: money === undefined ? null : readMoney(money),
    steps: steps ?? null,
    time: minutes === undefined ? null : Math.round(minutes * MINUTE_MS),
    depth: depth ?? null,
    fan_out: fanOut ?? null,
  };
}

export function hasLimits(limits: BudgetLimits): boolean {
  return BUDGET_AMOUNTS.some((what) => limits[what] !== null);
}

/** An amount for people: money as `2.50`, time in minutes, everything else as a number. */
export function amountText(what: BudgetAmount, amount: number): string {
  if (what === 'time') return `${Math.round((amount / MINUTE_MS) * 10) / 10} min`;
  return what === 'money' ? moneyText(amount) : String(amount);
}

/** Millionths of the installation's currency, which has no name here, with two to six decimals. */
export function moneyText(micros: number): string {
  const digits = String(Math.abs(micros)).padStart(7, '0');
  const fraction = digits.slice(-6).replace(/0{1,4}$/, '');
  return `${micros < 0 ? '-' : ''}${digits.slice(0, -6)}.${fraction}`;
}
