import { isTenantId } from '../ids.ts';

/** The scopes of limits. `global` has one limit, `global:all`; others have one for each name and `*` for the rest. */
const LIMIT_SCOPES = ['global', 'tenant', 'user', 'endpoint', 'provider', 'model'] as const;
export type LimitScope = (typeof LIMIT_SCOPES)[number];

/** The end of a limit's name if it counts tokens; every other limit counts the call's cost. */
export const TOKENS = '/tokens';

/** The parts of a limit's name, `<scope>:<name>` or `<scope>:<name>/tokens`. */
export interface LimitName {
  readonly scope: LimitScope;
  readonly name: string;
  readonly countsTokens: boolean;
}

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
