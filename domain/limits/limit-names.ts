import { isTenantId } from '../ids.ts';

/** What a limit is for. `global` has one limit, `global:all`; the others one for each name, and `*` for all other names. */
export const LIMIT_SCOPES = ['global', 'tenant', 'user', 'endpoint', 'provider', 'model'] as const;
export type LimitScope = (typeof LIMIT_SCOPES)[number];

/** A limit whose name ends so counts tokens; every other counts the call's cost. */
export const TOKENS = '/tokens';

/** The parts of a limit's name, `<scope>:<name>` or `<scope>:<name>/tokens`. */
export interface LimitName {
  readonly scope: LimitScope;
  readonly name: string;
  readonly countsTokens: boolean;
}

/** Takes a limit's name apart; null for text that is none. */
export function parseLimitName(text: string): LimitName | null {
  const colon = text.indexOf(':');
  const scope = LIMIT_SCOPES.find((candidate) => candidate === text.slice(0, colon));
  const countsTokens = text.endsWith(TOKENS);
  const name = text.slice(colon + 1, countsTokens ? -TOKENS.length : undefined);
  if (scope === undefined || name === '' || name.length > 320 || !isNameOf(scope, name)) return null;
  return { scope, name, countsTokens };
}

function isNameOf(scope: LimitScope, name: string): boolean {
  if (scope === 'global') return name === 'all';
  if (name === '*') return true;
  if (scope === 'tenant') return isTenantId(name);
  if (scope !== 'user') return !name.includes('\u0000');
  const [tenant = '', ...user] = name.split('/');
  return isTenantId(tenant) && user.join('/') !== '';
}
