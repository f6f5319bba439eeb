import { MODEL_NAME_PATTERN } from '../graphs/names.ts';
import { nameOf } from '../graphs/read-unknown.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { ModelSettingsInvalid } from './model-errors.ts';

/**
 * Where the key of a provider comes from when neither the user nor the tenant has one: `env:NAME` from a variable of the
 * process; `stored` from nowhere else; `none` for a provider that needs no key, and is then called without.
 */
export type KeyReference = 'stored' | 'none' | `env:${string}`;

/** An OpenAI-compatible endpoint. */
export interface ProviderSettings {
  /** Up to where `/chat/completions` follows. http or https, without user, query or fragment. */
  readonly baseUrl: string;
  /** @defaultValue `stored` */
  readonly key: KeyReference;
  /** Further headers of every call. No place for keys. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What a million tokens cost, in millionths of the currency: 2.50 is 2500000. 0 to 1,000,000,000, whole. */
export interface ModelPrices {
  readonly input: number;
  /** Of input that the provider had cached. @defaultValue as `input` */
  readonly cached: number;
  /** Reasoning included. */
  readonly output: number;
}

/** How an answer of a given form is asked for: by its schema, as any JSON object, or by nothing but words. */
const RESPONSE_FORMATS = ['json_schema', 'json_object', 'none'] as const;
type ResponseFormat = (typeof RESPONSE_FORMATS)[number];

/** The fields by which providers take the most tokens of an answer. */
const MAX_TOKENS_FIELDS = ['max_tokens', 'max_completion_tokens'] as const;
type MaxTokensField = (typeof MAX_TOKENS_FIELDS)[number];

/** One way to reach a model. */
export interface ModelRoute {
  readonly provider: string;
  /** The provider's name of it. */
  readonly id: string;
  /** Input and output together. 1 to 100,000,000. */
  readonly contextTokens: number;
  /** 1 to `contextTokens`. */
  readonly maxOutputTokens: number;
  readonly prices: ModelPrices;
  /** 0 to 2. @defaultValue none is sent: the provider's own */
  readonly temperature?: number;
  /** What the provider understands. With another one than `json_schema` the schema is told in words. @defaultValue `json_schema` */
  readonly responseFormat: ResponseFormat;
  /** By which field the provider is told `maxOutputTokens`. @defaultValue `max_tokens` */
  readonly maxTokensField: MaxTokensField;
}

/** The providers and models of an installation: the JSON file that `MUSTER_MODELS` names. */
export interface ModelSettings {
  readonly providers: Readonly<Record<string, ProviderSettings>>;
  /** Each name with the ways to it, in the order in which they are tried. */
  readonly models: Readonly<Record<string, readonly ModelRoute[]>>;
}

const MOST_TOKENS = 100_000_000;
const MOST_PRICE = 1_000_000_000;
const MOST_ROUTES = 10;
const KEY = /^(?:stored|none|env:[A-Za-z_][A-Za-z0-9_]{0,127})$/;
const HEADER = /^[A-Za-z0-9-]{1,64}$/;
/** Set by the client, or the place of a key. */
const OWN_HEADERS: ReadonlySet<string> = new Set(['authorization', 'content-type', 'content-length', 'host']);

/**
 * Reads the settings.
 * @param source how the file is named in the error
 * @throws ModelSettingsInvalid naming every fault at once, fields that do not exist included
 */
export function parseModelSettings(value: unknown, source = 'The model settings'): ModelSettings {
  const faults: string[] = [];
  const top = fieldsOf(value, { at: '', required: ['providers', 'models'], faults });
  const providers = named(top.providers, 'providers', faults, readProvider);
  const models = named(top.models, 'models', faults, readRoutes);
  for (const [name, routes] of Object.entries(models)) {
    for (const { provider } of routes) {
      if (provider !== '' && !Object.hasOwn(providers, provider)) {
        faults.push(`models.${name} names the provider "${provider}", which is not there`);
      }
    }
  }
  if (faults.length > 0) throw new ModelSettingsInvalid(source, faults);
  return { providers, models };
}

interface Fields {
  readonly at: string;
  readonly required: readonly string[];
  readonly optional?: readonly string[];
  readonly faults: string[];
}

/** The fields of an object, with a fault for each that is missing or unknown. */
function fieldsOf(value: unknown, { at, required, optional = [], faults }: Fields): JsonObject {
  const where = at === '' ? 'the file' : at;
  if (!isJsonObject(value)) {
    faults.push(`${where} must be an object, found ${nameOf(value)}`);
    return {};
  }
  for (const name of required) if (!Object.hasOwn(value, name)) faults.push(`${where} has no "${name}"`);
  for (const name of Object.keys(value)) {
    if (!required.includes(name) && !optional.includes(name)) {
      faults.push(`${where} has the unknown field "${name}"; there are ${[...required, ...optional].join(', ')}`);
    }
  }
  return value;
}

function named<Item>(
  value: unknown,
  at: string,
  faults: string[],
  read: (value: unknown, at: string, faults: string[]) => Item,
): Record<string, Item> {
  if (value === undefined) return {};
  if (!isJsonObject(value)) {
    faults.push(`${at} must be an object of names, found ${nameOf(value)}`);
    return {};
  }
  const items: [string, Item][] = [];
  for (const [name, item] of Object.entries(value)) {
    if (!MODEL_NAME_PATTERN.test(name))
      faults.push(`${at} has the name ${nameOf(name)}; names are 1 to 64 letters, digits, . _ -`);
    items.push([name, read(item, `${at}.${name}`, faults)]);
  }
  // Not by assignment: `__proto__` would not become a name.
  return Object.fromEntries(items);
}

function readProvider(value: unknown, at: string, faults: string[]): ProviderSettings {
  const fields = fieldsOf(value, { at, required: ['baseUrl'], optional: ['key', 'headers'], faults });
  const { baseUrl, key = 'stored', headers = {} } = fields;
  if (baseUrl !== undefined && !isBaseUrl(baseUrl)) {
    faults.push(`${at}.baseUrl must be an http or https URL without user, query and fragment`);
  }
  if (typeof key !== 'string' || !KEY.test(key)) {
    faults.push(`${at}.key must be "stored", "none" or "env:NAME"; a key itself has no place here`);
  }
  const isText = ([name, text]: [string, unknown]) =>
    HEADER.test(name) &&
    !OWN_HEADERS.has(name.toLowerCase()) &&
    typeof text === 'string' &&
    /^[\x20-\x7e]*$/.test(text);
  if (!isJsonObject(headers) || !Object.entries(headers).every(isText)) {
    faults.push(`${at}.headers must be plain names and texts, without ${[...OWN_HEADERS].join(', ')}`);
  }
  return { baseUrl: String(baseUrl), key: key as KeyReference, headers: headers as Record<string, string> };
}

const BASE_URL = /^https?:\/\/[^\s/?#@]+(?:\/[^\s?#]*)?$/i;

function isBaseUrl(value: unknown): boolean {
  return typeof value === 'string' && value.length <= 2_000 && BASE_URL.test(value);
}

function readRoutes(value: unknown, at: string, faults: string[]): readonly ModelRoute[] {
  if (Array.isArray(value) && value.length > 0 && value.length <= MOST_ROUTES) {
    return value.map((item: unknown, index) => readRoute(item, `${at}[${index}]`, faults));
  }
  faults.push(`${at} must be a list of 1 to ${MOST_ROUTES} ways to the model, found ${nameOf(value)}`);
  return [];
}

function readRoute(value: unknown, at: string, faults: string[]): ModelRoute {
  const required = ['provider', 'id', 'contextTokens', 'maxOutputTokens', 'prices'];
  const optional = ['temperature', 'responseFormat', 'maxTokensField'];
  const fields = fieldsOf(value, { at, required, optional, faults });
  const text = (name: string) => {
    const found = fields[name];
    if (typeof found === 'string' && found !== '' && found.length <= 200) return found;
    if (found !== undefined) faults.push(`${at}.${name} must be a text of 1 to 200 characters, found ${nameOf(found)}`);
    return '';
  };
  const context = whole(fields.contextTokens, `${at}.contextTokens`, [1, MOST_TOKENS], faults);
  return {
    provider: text('provider'),
    id: text('id'),
    contextTokens: context,
    maxOutputTokens: whole(fields.maxOutputTokens, `${at}.maxOutputTokens`, [1, context], faults),
    prices: readPrices(fields.prices, `${at}.prices`, faults),
    ...readTemperature(fields.temperature, `${at}.temperature`, faults),
    responseFormat: oneOf(RESPONSE_FORMATS, fields.responseFormat, `${at}.responseFormat`, faults),
    maxTokensField: oneOf(MAX_TOKENS_FIELDS, fields.maxTokensField, `${at}.maxTokensField`, faults),
  };
}

function readTemperature(value: unknown, at: string, faults: string[]): Pick<ModelRoute, 'temperature'> {
  if (value === undefined) return {};
  if (typeof value === 'number' && value >= 0 && value <= 2) return { temperature: value };
  faults.push(`${at} must be a number from 0 to 2, found ${nameOf(value)}`);
  return {};
}

/** One of these words; the first where there is none. */
function oneOf<const Word extends string>(
  words: readonly [Word, ...Word[]],
  value: unknown,
  at: string,
  faults: string[],
): Word {
  if (value === undefined) return words[0];
  const word = words.find((known) => known === value);
  if (word === undefined) faults.push(`${at} must be one of ${words.join(', ')}, found ${nameOf(value)}`);
  return word ?? words[0];
}

function readPrices(value: unknown, at: string, faults: string[]): ModelPrices {
  if (value === undefined) return { input: 0, cached: 0, output: 0 };
  const fields = fieldsOf(value, { at, required: ['input', 'output'], optional: ['cached'], faults });
  const price = (name: string, found: unknown) => whole(found, `${at}.${name}`, [0, MOST_PRICE], faults);
  const input = price('input', fields.input);
  const cached = fields.cached === undefined ? input : price('cached', fields.cached);
  return { input, cached, output: price('output', fields.output) };
}

/** A missing value has its fault already. */
function whole(value: unknown, at: string, [min, max]: readonly [number, number], faults: string[]): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  if (value !== undefined) faults.push(`${at} must be a whole number from ${min} to ${max}, found ${nameOf(value)}`);
  return max;
}
