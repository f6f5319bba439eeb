import type { Environment } from '../config.ts';
import type { Handler } from '../domain/agents/handler.ts';
import type { HandlerLog } from '../domain/agents/handler-log.ts';
import type { Graph } from '../domain/graphs/defined-graph.ts';
import type { Receive } from '../domain/messaging/received-message.ts';
import type { RedriveAll } from '../operations/tasks/redrive.ts';
import { definedName, functionField, listOf, objectWith, tenantId, text, textLike } from '../options/fields.ts';
import { argumentOf, type OptionFields, optionsOf, plainCopy } from '../options/parse-options.ts';
import type { OpenClientOptions } from './open-stores.ts';

/** Reads the options of `connect` and `connectAgent`. Addresses are parsed where they are used. */

const CONNECT_FIELDS: OptionFields<OpenClientOptions> = {
  tenant: tenantId.optional(),
  databaseUrl: url('postgres:', 'postgresql:').optional(),
  redisUrl: text({ max: 4_096 }).optional(),
  temporalAddress: text().optional(),
  temporalNamespace: text().optional(),
  hosted: listOf(objectWith<Handler>('what defineAgent returns', { handle: 'function' }), {
    max: 10_000,
    of: 'agents',
  }).optional(),
  environment: objectWith<Environment>('an object of variables', {}).optional(),
};

export const connectOptions = optionsOf<OpenClientOptions>('connect', CONNECT_FIELDS);

function url(...protocols: string[]) {
  const names = protocols.map((protocol) => `${protocol}//`).join(' or ');
  return textLike(`a URL beginning with ${names}`, (value) => {
    return URL.canParse(value) && protocols.includes(new URL(value).protocol);
  });
}

/** Which agent a program is, and what it does with messages. */
export interface ConnectAgentOptions extends OpenClientOptions {
  /**
   * Handles a message; what it returns is the answer. Delivered at least once, so what must happen only once is done
   * under the message's id.
   * @defaultValue takes no messages
   */
  readonly receive?: Receive;
  /** Its purposes and abilities: words by which others find it. @defaultValue none */
  readonly roles?: readonly string[];
  readonly capabilities?: readonly string[];
  /** One sentence for people. @defaultValue '' */
  readonly description?: string;
  /** Told about deliveries that failed and about outages; a pino logger fits. @defaultValue no log */
  readonly log?: HandlerLog;
}

const words = listOf(definedName, { max: 20, of: 'words made like a name' }).optional();

export const agentName = argumentOf('connectAgent', 'name', definedName);
export const connectAgentOptions = optionsOf<ConnectAgentOptions>('connectAgent', {
  ...CONNECT_FIELDS,
  receive: functionField<Receive>('a function').optional(),
  roles: words,
  capabilities: words,
  description: text({ min: 0, max: 1_000 }).optional(),
  log: objectWith<HandlerLog>('a log with the methods info and warn', {
    info: 'function',
    warn: 'function',
  }).optional(),
});

/** The arguments of the client's methods that are not fields of an operation. */

export const userArgument = argumentOf('as', 'user', text());
export const taskIdArgument = argumentOf('task', 'id', text());
export const graphsArgument = argumentOf(
  'publish',
  'graphs',
  listOf(objectWith<Graph>('a graph made by defineGraph', { definition: 'object', handlers: 'object' }), {
    max: 10_000,
    of: 'graphs made by defineGraph',
  }),
);

/** The target of `redrive` as fields. */
export function targetOf(target: string | readonly string[] | RedriveAll): object {
  if (typeof target === 'string') return { id: target };
  return Array.isArray(target) ? { ids: target } : plainCopy('redrive', target);
}
