import type { Import } from './imports.ts';

/**
 * What one room may import. An entry is a package, a package with `/*`, a folder of the project with its slash, or one
 * file. `values` may be imported as values and as types, `types` as types only. `why` completes "because …".
 */
interface Border {
  readonly values: readonly string[];
  readonly types?: readonly string[];
  readonly why: string;
}

const NODE = 'node:*';

/**
 * Who may import whom, from the ground up. A room may always import its own files. The worker and the
 * command line are not listed: they put everything together and may import all of it.
 */
export const IMPORT_TABLE: Readonly<Record<string, Border>> = {
  'domain/': {
    // Conditions on arguments, patterns and expressions are checked by libraries that are pure too.
    values: ['croner', '@cfworker/json-schema', 're2js', '@jmespath-community/jmespath', 'yaml'],
    why: 'rules are pure: they run in the workflow sandbox, in clients and in tests without servers',
  },
  'entities/': {
    values: ['@mikro-orm/*', 'kysely', 'kysely/helpers/postgres', 'domain/'],
    why: 'rows know the database and the words, and nothing of queues or workflows',
  },
  'database/': {
    values: ['entities/', 'domain/', '@mikro-orm/*', 'kysely', 'lru-cache', 'p-timeout', 'pg', 'uuid', NODE],
    why: 'units of work serve every caller and know none',
  },
  'redis/': {
    values: ['ioredis', 'domain/', 'node:crypto', 'node:fs'],
    why: 'Redis holds only what can be rebuilt, so it must not reach for the truth itself',
  },
  'temporal/': {
    values: [
      '@temporalio/client',
      '@temporalio/common',
      '@temporalio/envconfig',
      '@temporalio/worker',
      '@temporalio/activity',
      'domain/',
      'node:crypto',
    ],
    why: 'connections to Temporal are made without knowing what runs over them',
  },
  'servers/': {
    values: ['domain/', NODE, 'pg', 'ioredis', '@temporalio/*', 'env-paths', 'execa', 'get-port', 'zod'],
    why: 'servers are found and started before anything else exists',
  },
  'options/': {
    values: ['domain/', 'zod'],
    why: 'what callers hand in is read in one way, wherever it comes in',
  },
  'operations/': {
    values: [
      ...['domain/', 'entities/', 'database/', 'options/', '@mikro-orm/*', 'kysely'],
      ...['ajv', 'ajv/*', 'lru-cache', 'p-timeout', 'uuid', 'zod', 'node:crypto'],
    ],
    types: ['redis/', 'temporal/', 'messaging/', 'workflows/'],
    why: 'what the program does is the same for every caller, and knows none',
  },
  'capabilities/': {
    values: [
      ...['operations/', 'entities/', 'database/', 'domain/', 'options/', 'messaging/message-ids.ts'],
      ...['node:crypto', 'uuid'],
    ],
    types: ['redis/', 'messaging/', 'providers/'],
    why: 'what a handler may use is made from the scope that it is handed, and carries no loop',
  },
  'messaging/': {
    values: [
      ...['domain/', 'entities/', 'database/', 'redis/', 'options/', 'capabilities/'],
      ...['lru-cache', 'uuid', 'zod', NODE],
    ],
    types: ['@mikro-orm/postgresql'],
    why: 'agents talk the same way in a worker and in a program of their own',
  },
  'providers/': {
    values: ['domain/', 'ai', '@ai-sdk/openai-compatible', 'gpt-tokenizer/*', 'zod', NODE],
    why: 'models are called without knowing who asks; what must be remembered comes in as functions',
  },
  'tool-sources/': {
    values: [
      ...['domain/', 'options/fields.ts', 'operations/digest-of.ts', 'zod'],
      ...['@modelcontextprotocol/client', '@modelcontextprotocol/client/stdio'],
    ],
    why: 'servers of tools are asked without knowing who asks; what they say is handed on as data',
  },
  'telemetry/': {
    values: ['domain/', 'entities/', 'database/', '@opentelemetry/*', 'node:crypto'],
    why: 'what a collector is told is read from the rows, after the fact, and changes nothing of the work',
  },
  'activities/': {
    values: [
      ...[
        '@temporalio/activity',
        '@temporalio/common',
        'capabilities/',
        'operations/',
        'entities/',
        'database/',
        'domain/',
      ],
      'uuid',
    ],
    types: ['redis/', 'providers/', 'tool-sources/', '@mikro-orm/postgresql'],
    why: 'an activity is handed what it uses, and never reads the configuration or calls a workflow',
  },
  'workflows/': {
    values: ['@temporalio/workflow', '@temporalio/common', 'domain/'],
    types: ['activities/'],
    why: 'workflow code runs in a sandbox without Node and must be deterministic',
  },
  'dispatcher/': {
    values: [
      ...['redis/', 'temporal/', 'operations/', 'database/', 'entities/', 'domain/'],
      ...['@temporalio/client', 'uuid', 'node:timers/promises'],
    ],
    types: ['workflows/'],
    why: 'it moves tasks between the stores and carries out none of them',
  },
  'client/': {
    values: [
      ...[
        'domain/',
        'redis/',
        'temporal/',
        'database/',
        'entities/',
        'servers/find/',
        'messaging/',
        'operations/',
        'options/',
        'config.ts',
      ],
      ...[
        'workflows/tasks/task-messages.ts',
        '@temporalio/client',
        'lru-cache',
        'p-timeout',
        'pino',
        'uuid',
        'zod',
        NODE,
      ],
    ],
    types: ['workflows/', 'servers/services.ts', '@mikro-orm/postgresql'],
    why: 'a program that submits must not carry the code that carries out',
  },
  'turns/': {
    values: ['domain/', 'operations/as-tool.ts', 'zod'],
    why: 'a turn is a graph like any other, made of what every program can use',
  },
  'agents/': {
    values: [
      'index.ts',
      'zod',
      'wink-nlp',
      'wink-nlp/*',
      'wink-eng-lite-web-model',
      'csv-parse/*',
      'htmlparser2',
      NODE,
    ],
    why: 'what ships is written as a user would write it, over the public entry alone',
  },
  'config.ts': {
    values: ['zod', 'domain/'],
    types: ['servers/services.ts'],
    why: 'the configuration is read before anything else exists',
  },
  'index.ts': {
    values: ['client.ts', 'domain/', 'operations/as-tool.ts', 'turns/'],
    types: ['client/'],
    why: 'a program that imports the public entry must not load a worker',
  },
};

/** Files that belong to a room although they lie at the root. */
const ROOM_OF_FILE: Readonly<Record<string, string>> = { 'client.ts': 'client/' };
/** The rooms that may import everything, and by whom their own files may be imported, themselves and tests aside. */
const OUTERMOST: Readonly<Record<string, readonly string[]>> = {
  'worker.ts': ['cli/'],
  'worker/': ['worker.ts', 'cli/'],
  'cli.ts': [],
  'cli/': ['cli.ts'],
};

/** The room of a file of the product: a folder with its slash, or the file itself. */
export function roomOf(path: string): string {
  const own = ROOM_OF_FILE[path];
  if (own !== undefined) return own;
  const slash = path.indexOf('/');
  return slash < 0 ? path : path.slice(0, slash + 1);
}

/** Why an import is not allowed, or null where it is. */
export function borderFault(found: Import): string | null {
  const room = roomOf(found.from);
  const at = `${found.from}:${found.line} imports ${found.target}`;
  const importers = found.isOurs ? OUTERMOST[roomOf(found.target)] : undefined;
  if (importers !== undefined && roomOf(found.target) !== room && !importers.includes(room)) {
    return `${at}: worker and command line put everything together, so nobody may depend on them.`;
  }
  if (OUTERMOST[room] !== undefined) return null;
  const border = IMPORT_TABLE[room];
  if (border === undefined)
    return `${found.from} is in no room of the import table. Give it a home, or the table a row.`;
  if (found.isOurs && roomOf(found.target) === room) return null;
  if (matches(border.values, found)) return null;
  if (matches(border.types ?? [], found)) {
    return found.typeOnly ? null : `${at} as a value; ${room} may import its types only, because ${border.why}.`;
  }
  return `${at}; ${room} may not, because ${border.why}.`;
}

function matches(entries: readonly string[], { target, isOurs }: Import): boolean {
  return entries.some((entry) => {
    if (entry.endsWith('*')) return !isOurs && target.startsWith(entry.slice(0, -1));
    return entry.endsWith('/') ? isOurs && target.startsWith(entry) : target === entry;
  });
}
