import type { Command } from 'commander';
import { decodeText, readLimited } from '../../client/read-document.ts';
import { loadConfig, setVariables } from '../../config.ts';
import type { RouteHealth } from '../../domain/models/model-health.ts';
import type { ModelSettings } from '../../domain/models/model-settings.ts';
import { nearestName } from '../../domain/nearest-name.ts';
import type { StoredKey } from '../../operations/models/keys.ts';
import { hostKeyOf, readModelSettings } from '../../worker/wire/open-models.ts';
import { WrongUsage } from '../cli-errors.ts';
import { shortText, tenantName } from '../input/option-values.ts';
import { type Column, formatTable } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, given, type TenantOptions, withMuster } from '../session.ts';
import { addServeScriptCommand } from './serve-script-command.ts';

interface KeyOptions extends TenantOptions {
  readonly user?: string;
}

/** One way to a model, as it is listed. */
interface ListedRoute {
  readonly model: string;
  /** 1 for what is tried first. */
  readonly order: number;
  readonly provider: string;
  readonly id: string;
  readonly contextTokens: number;
  readonly maxOutputTokens: number;
  /** Whose key a call without a user would use: `tenant`, `host`, `none` where none is needed; null where there is none. */
  readonly key: 'tenant' | 'host' | 'none' | null;
  /** How many users have keys of their own. */
  readonly userKeys: number;
  /** 0 to 1; null where no worker has called it within an hour. */
  readonly health: number | null;
  /** Whether a worker keeps calls away from the provider. */
  readonly isOpen: boolean;
}

const MOST_KEY_BYTES = 8_192;

/** `models` and what stands under it. */
export function addModelsCommand(program: Command): void {
  const models = withTenant(program.command('models'))
    .description('list the models, the ways to them, and whether each has a key')
    .action(action(list));
  const key = models.command('key').description('set and remove keys for providers');
  withOwner(key.command('set'))
    .description('store a key, which is read from standard input')
    .addHelpText('after', EXAMPLE)
    .action(action(setKey));
  withOwner(key.command('remove')).description('remove a stored key').action(action(removeKey));
  addServeScriptCommand(models);
}

const EXAMPLE = '\nExample:\n  muster models key set main < key.txt';

function withTenant(command: Command): Command {
  return command.option('--tenant <tenant>', 'the tenant (default: MUSTER_TENANT, or default)', tenantName);
}

function withOwner(command: Command): Command {
  return withTenant(command)
    .argument('<provider>', 'its name in the settings', shortText)
    .option('--user <user>', "a user's own key, not the tenant's", shortText);
}

async function setKey(provider: string, options: KeyOptions): Promise<void> {
  // Never from the command line: every user of the machine can read the arguments of a process. Nor from a terminal, which
  // would show it.
  if (process.stdin.isTTY) {
    throw new WrongUsage(`The key is read from standard input, like \`muster models key set ${provider} < key.txt\`.`);
  }
  const settings = await readModelSettings(loadConfig());
  const key = decodeText('stdin', await readLimited(process.stdin, MOST_KEY_BYTES), MOST_KEY_BYTES).trim();
  const owner = { provider, ...given({ user: options.user }) };
  await withMuster(options, (muster) => muster.call('models.setKey', { ...owner, key }));
  const warning = providerWarning(provider, settings);
  new Output(options).result({ ...owner, stored: true, warnings: warning === null ? [] : [warning] }, (colors) =>
    [...(warning === null ? [] : [colors.yellow(warning)]), `The key for ${provider} is stored, encrypted.`].join('\n'),
  );
}

/** What looks like a mistake: a provider that the settings of this program do not have. Without settings nothing does. */
function providerWarning(provider: string, settings: ModelSettings | null): string | null {
  if (settings === null || Object.hasOwn(settings.providers, provider)) return null;
  const nearest = nearestName(provider, Object.keys(settings.providers));
  return `The settings have no provider "${provider}".${nearest === null ? '' : ` Did you mean "${nearest}"?`}`;
}

async function removeKey(provider: string, options: KeyOptions): Promise<void> {
  const owner = { provider, ...given({ user: options.user }) };
  const { removed } = await withMuster(options, (muster) => muster.call('models.removeKey', owner));
  const text = removed ? `The key for ${provider} is removed.` : `There was no stored key for ${provider}.`;
  new Output(options).result({ ...owner, removed }, () => text);
}

async function list(options: TenantOptions): Promise<void> {
  const settings = await readModelSettings(loadConfig());
  const [keys, health] = await withMuster(options, (muster) =>
    // Redis may be unavailable: then nobody knows the health, and the rest is as good.
    Promise.all([muster.call('models.keys', {}), muster.call('models.health', {}).catch(() => [])]),
  );
  const routes = settings === null ? [] : routesOf(settings, keys, health);
  new Output(options).result(routes, (colors) => {
    if (settings !== null) return formatRoutes(routes, colors);
    return 'No models: MUSTER_MODELS names no file. docs/models.md shows one.';
  });
}

function routesOf(settings: ModelSettings, keys: readonly StoredKey[], told: readonly RouteHealth[]): ListedRoute[] {
  const hostKey = hostKeyOf(settings, setVariables());
  const keyOf = (provider: string) => {
    if (settings.providers[provider]?.key === 'none') return 'none';
    if (keys.some((key) => key.provider === provider && key.user === null)) return 'tenant';
    return hostKey(provider) === null ? null : 'host';
  };
  return Object.entries(settings.models).flatMap(([model, routes]) =>
    routes.map(({ provider, id, contextTokens, maxOutputTokens }, index) => ({
      ...healthOf(told.find((way) => way.provider === provider && way.id === id)),
      ...{ model, order: index + 1, provider, id, contextTokens, maxOutputTokens },
      key: keyOf(provider),
      userKeys: keys.filter((key) => key.provider === provider && key.user !== null).length,
    })),
  );
}

function healthOf(told: RouteHealth | undefined): Pick<ListedRoute, 'health' | 'isOpen'> {
  return { health: told?.health ?? null, isOpen: told?.isOpen ?? false };
}

function formatRoutes(routes: readonly ListedRoute[], colors: Colors): string {
  const columns: Column<ListedRoute>[] = [
    { title: 'model', of: ({ model, order }) => (order === 1 ? model : '') },
    { title: 'provider', of: ({ provider }) => provider },
    { title: 'id', of: ({ id }) => id },
    { title: 'context', of: ({ contextTokens }) => String(contextTokens), align: 'right' },
    { title: 'output', of: ({ maxOutputTokens }) => String(maxOutputTokens), align: 'right' },
    { title: 'key', of: ({ key }) => (key === 'none' ? 'not needed' : (key ?? 'missing')) },
    { title: 'keys of users', of: ({ userKeys }) => String(userKeys), align: 'right' },
    { title: 'health', of: ({ health, isOpen }) => `${health?.toFixed(2) ?? '-'}${isOpen ? ' (left alone)' : ''}` },
  ];
  return formatTable(routes, columns, colors);
}
