import { RISK_CLASSES, type RiskClass } from '../agents/risk.ts';
import { nameOf } from '../graphs/read-unknown.ts';

/** What a repetition of a tool's call does to the outside world, each with what belongs there. */
const EFFECT_CLASSES = {
  none: 'Changes nothing outside.',
  keyed: 'The other side knows a repetition by the key that it is given.',
  natural: 'Repeating it is harmless.',
  unsafe: 'Must never be repeated: an attempt that died during the call is in doubt.',
} as const;
export type EffectClass = keyof typeof EFFECT_CLASSES;

/** What a tool says of itself, for those who let agents use it. */
export interface ToolTraits {
  /** What its use may lead to. @defaultValue 'high_risk' */
  readonly risk: RiskClass;
  /** @defaultValue 'none' for a tool that only reads, otherwise 'unsafe' */
  readonly effect: EffectClass;
  /** How long one call by a model may take, in milliseconds: 1 to 300,000. @defaultValue 45,000 */
  readonly timeoutMs: number;
}

/** A tool as policies see it. */
export interface GovernedTool extends ToolTraits {
  /** The name under which it is granted. That of an operation has a dot: `messages.send`. */
  readonly name: string;
  /** The SHA-256 of name, description and schema of a tool that can change while its worker runs; null for code. */
  readonly digest: string | null;
}

/** The classes of tools that only read. */
const READING_RISKS: readonly RiskClass[] = ['read_only', 'network_read', 'data_exfiltration_risk'];

const DEFAULT_TIMEOUT_MS = 45_000;
/** The longest that an attempt of a node may take. */
const MOST_MS = 300_000;

/** The traits of a tool, whose author may have left some out. What is not classified is high risk. */
export function toolTraits({ risk = 'high_risk', effect, timeoutMs }: Partial<ToolTraits>): ToolTraits {
  const ofRisk = READING_RISKS.includes(risk) ? 'none' : 'unsafe';
  return { risk, effect: effect ?? ofRisk, timeoutMs: timeoutMs ?? DEFAULT_TIMEOUT_MS };
}

/** A handler as a governed tool. */
export function governedTool({
  name,
  digest = null,
  ...traits
}: Partial<GovernedTool> & Pick<GovernedTool, 'name'>): GovernedTool {
  return { name, digest, ...toolTraits(traits) };
}

/** What is wrong with traits that a program gives, a sentence each. */
export function traitFaults(given: { readonly [Name in keyof ToolTraits]?: unknown }): readonly string[] {
  const { risk, effect, timeoutMs } = given;
  const isTime = Number.isInteger(timeoutMs) && Number(timeoutMs) >= 1 && Number(timeoutMs) <= MOST_MS;
  return [
    ...wordFault('risk', risk, RISK_CLASSES),
    ...wordFault('effect', effect, EFFECT_CLASSES),
    ...(timeoutMs === undefined || isTime
      ? []
      : [`Expected a whole number of milliseconds from 1 to ${MOST_MS} as timeoutMs, found ${nameOf(timeoutMs)}.`]),
  ];
}

function wordFault(trait: string, word: unknown, words: object): readonly string[] {
  if (word === undefined || (typeof word === 'string' && Object.hasOwn(words, word))) return [];
  return [`Expected one of ${Object.keys(words).join(', ')} as ${trait}, found ${nameOf(word)}.`];
}
