import { z } from 'zod';
import { MusterError } from './domain/errors.ts';
import { DEFAULT_TENANT, isTaskQueue, isTenantId } from './domain/ids.ts';
import { redisAddresses } from './domain/system/redis-addresses.ts';
import type { ServicesConfig } from './servers/services.ts';

/** One or more environment variables cannot be used. Every fault is named at once; nothing was started. */
export class ConfigInvalid extends MusterError {
  readonly code = 'config_invalid';
  constructor(faults: readonly string[]) {
    super(`The configuration cannot be used: ${faults.join('; ')}. See .env.example for every variable.`);
  }
}

const text = z.string().min(1).optional();
const plainText = z
  .string()
  .refine((value) => !/\s/.test(value), 'expected a text without spaces')
  .optional();
const isUrl = (value: string, protocols: readonly string[]) =>
  URL.canParse(value) && protocols.includes(new URL(value).protocol);
const url = (...protocols: string[]) =>
  z
    .string()
    .refine((value) => isUrl(value, protocols), {
      message: `expected a URL beginning with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
    })
    .optional();
const redisUrls = z
  .string()
  .refine((value) => redisAddresses(value).every((address) => isUrl(address, ['redis:', 'rediss:'])), {
    message: 'expected a URL beginning with redis:// or rediss://, or several with commas between them',
  })
  .optional();
const whole = (range: { min: number; max: number; default: number }) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'expected a whole number in digits')
    .transform(Number)
    .refine((value) => value >= range.min && value <= range.max, `expected ${range.min} to ${range.max}`)
    .default(range.default);
const flag = z
  .enum(['0', '1', 'true', 'false'], { message: 'expected 0 or 1' })
  .optional()
  .transform((value) => value === '1' || value === 'true');

const schema = z.object({
  MUSTER_DATABASE_URL: url('postgres:', 'postgresql:'),
  MUSTER_DATABASE_OWNER_URL: url('postgres:', 'postgresql:'),
  MUSTER_DATABASE_POOL: whole({ min: 1, max: 100, default: 10 }),
  MUSTER_REDIS_URL: redisUrls,
  MUSTER_REDIS_PREFIX: z
    .string()
    .regex(/^[a-z0-9-]{1,32}$/, 'expected 1 to 32 of a-z, 0-9 and -')
    .default('muster'),
  MUSTER_REDIS_ALLOW_EVICTION: flag,
  MUSTER_TASK_QUEUE: z.string().refine(isTaskQueue, 'expected 1 to 64 letters, digits, . _ -').default('muster'),
  MUSTER_TENANT: z.string().refine(isTenantId, 'expected 1 to 64 letters, digits, . _ -').default(DEFAULT_TENANT),
  MUSTER_MAX_CONCURRENT_TASKS: whole({ min: 1, max: 1000, default: 50 }),
  MUSTER_MAX_CONCURRENT_NODES: whole({ min: 1, max: 1000, default: 50 }),
  MUSTER_SHUTDOWN_GRACE_SECONDS: whole({ min: 1, max: 600, default: 20 }),
  MUSTER_MAX_MESSAGE_HOPS: whole({ min: 1, max: 1_000_000, default: 64 }),
  MUSTER_MAX_INPUT_BYTES: whole({ min: 1024, max: 100_000_000, default: 10_000_000 }),
  MUSTER_STATE_DIR: text,
  MUSTER_NO_INSTALL: flag,
  MUSTER_ALLOW_UPGRADE: flag,
  MUSTER_HEALTH_PORT: z
    .string()
    .refine(isPortOrOff, 'expected a port from 0 to 65535, or off')
    .default('0')
    .transform((value) => (value === 'off' ? null : Number(value))),
  MUSTER_LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'], { message: 'expected debug, info, warn, error or silent' })
    .default('info'),
  MUSTER_MODELS: text,
  MUSTER_TOOL_SOURCES: text,
  MUSTER_SECRET_KEY: z
    .string()
    .refine((value) => /^[0-9a-f]{64}$/i.test(value), 'expected 64 hexadecimal digits')
    .optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: url('http:', 'https:'),
  OTEL_EXPORTER_OTLP_HEADERS: z
    .string()
    .refine((value) => headersOf(value) !== null, 'expected name=value, several with commas between them')
    .optional(),
  OTEL_SERVICE_NAME: z.string().min(1).default('muster'),
  MUSTER_FAILPOINTS: text,
  TEMPORAL_ADDRESS: plainText,
  TEMPORAL_NAMESPACE: plainText,
  MUSTER_TEMPORAL_UI_URL: url('http:', 'https:'),
});

/** Every name that {@link loadConfig} reads. */
export const CONFIG_KEYS = Object.keys(schema.shape);

export interface Config {
  /** As the variables say; `withTemporalProfile` adds what the active profile of `temporal.toml` says. */
  readonly services: ServicesConfig;
  readonly databasePool: number;
  readonly redisPrefix: string;
  readonly redisAllowEviction: boolean;
  readonly taskQueue: string;
  readonly tenant: string;
  readonly maxConcurrentTasks: number;
  readonly maxConcurrentNodes: number;
  readonly shutdownGraceMs: number;
  readonly maxMessageHops: number;
  readonly maxInputBytes: number;
  /** Port on loopback for health and metrics; 0 takes a free one, null opens none. */
  readonly healthPort: number | null;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** The JSON file of providers and models; null where no model can be called. */
  readonly modelsFile: string | null;
  /** The JSON file of sources of tools; null where there are none. */
  readonly toolSourcesFile: string | null;
  /** 64 hexadecimal digits that encrypt stored keys; null refuses to store or read any. */
  readonly secretKey: string | null;
  /** Where ended tasks are told to OpenTelemetry; null tells nobody. */
  readonly telemetry: TelemetryConfig | null;
  /** Named points at which a test makes this process die or wait; empty in every normal run. */
  readonly failpoints: string;
}

/** An OpenTelemetry collector that speaks OTLP over HTTP. */
export interface TelemetryConfig {
  /** The base of its addresses. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
}

/** Variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables that are set: an empty one counts as unset. */
export function setVariables(environment: Environment = process.env): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && value !== '') variables[name] = value;
  }
  return variables;
}

/**
 * Reads the configuration. Pure: the environment is handed in. An empty variable counts as unset.
 * @throws ConfigInvalid naming every faulty variable at once.
 */
export function loadConfig(environment: Environment = process.env): Config {
  const parsed = schema.safeParse(setVariables(environment));
  if (!parsed.success) {
    throw new ConfigInvalid(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
  }
  return freeze(parsed.data);
}

function isPortOrOff(value: string): boolean {
  return value === 'off' || (/^\d{1,5}$/.test(value) && Number(value) <= 65_535);
}

function freeze(values: z.infer<typeof schema>): Config {
  return Object.freeze({
    services: servicesOf(values),
    databasePool: values.MUSTER_DATABASE_POOL,
    redisPrefix: values.MUSTER_REDIS_PREFIX,
    redisAllowEviction: values.MUSTER_REDIS_ALLOW_EVICTION,
    taskQueue: values.MUSTER_TASK_QUEUE,
    tenant: values.MUSTER_TENANT,
    maxConcurrentTasks: values.MUSTER_MAX_CONCURRENT_TASKS,
    maxConcurrentNodes: values.MUSTER_MAX_CONCURRENT_NODES,
    shutdownGraceMs: values.MUSTER_SHUTDOWN_GRACE_SECONDS * 1000,
    maxMessageHops: values.MUSTER_MAX_MESSAGE_HOPS,
    maxInputBytes: values.MUSTER_MAX_INPUT_BYTES,
    healthPort: values.MUSTER_HEALTH_PORT,
    logLevel: values.MUSTER_LOG_LEVEL,
    modelsFile: values.MUSTER_MODELS ?? null,
    toolSourcesFile: values.MUSTER_TOOL_SOURCES ?? null,
    secretKey: values.MUSTER_SECRET_KEY ?? null,
    telemetry: telemetryOf(values),
    failpoints: values.MUSTER_FAILPOINTS ?? '',
  });
}

function telemetryOf(values: z.infer<typeof schema>): TelemetryConfig | null {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SERVICE_NAME: serviceName } = values;
  if (endpoint === undefined) return null;
  return Object.freeze({ endpoint, serviceName, headers: headersOf(values.OTEL_EXPORTER_OTLP_HEADERS ?? '') ?? {} });
}

const HEADER = /^\s*([\w!#$&'*+.^`|~-]+)\s*=\s*([\x21-\x7e]*)\s*$/;

/** Headers as OpenTelemetry writes them: values are percent-encoded. Null for a text that is not a list of them. */
function headersOf(text: string): Readonly<Record<string, string>> | null {
  const headers: Record<string, string> = {};
  for (const part of text.split(',').filter((each) => each.trim() !== '')) {
    const [, name, value] = HEADER.exec(part) ?? [];
    if (name === undefined || value === undefined || /%(?![0-9a-f]{2})/i.test(value)) return null;
    headers[name] = value.replaceAll(/(?:%[0-9a-f]{2})+/gi, (encoded) =>
      Buffer.from(encoded.replaceAll('%', ''), 'hex').toString('utf8'),
    );
  }
  return headers;
}

function servicesOf(values: z.infer<typeof schema>): ServicesConfig {
  return Object.freeze({
    stateDir: values.MUSTER_STATE_DIR ?? null,
    databaseUrl: values.MUSTER_DATABASE_URL ?? null,
    ownerUrl: values.MUSTER_DATABASE_OWNER_URL ?? null,
    redisUrl: values.MUSTER_REDIS_URL ?? null,
    temporalAddress: values.TEMPORAL_ADDRESS ?? null,
    temporalNamespace: values.TEMPORAL_NAMESPACE ?? 'default',
    temporalUiUrl: values.MUSTER_TEMPORAL_UI_URL ?? null,
    noInstall: values.MUSTER_NO_INSTALL,
    allowUpgrade: values.MUSTER_ALLOW_UPGRADE,
  });
}
