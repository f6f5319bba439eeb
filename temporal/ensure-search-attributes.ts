import type { Client } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../domain/system/search-attributes.ts';

/** The server's numbers of the types in use (enum `IndexedValueType`). */
const TYPE_NUMBERS = { KEYWORD: 2, KEYWORD_LIST: 7 } as const;
const ALREADY_EXISTS = 6;

/** Registers the search attributes that are missing. Repeating it changes nothing. */
export async function ensureSearchAttributes(client: Client, namespace: string): Promise<void> {
  const { operatorService } = client.connection;
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  const missing = Object.values(SEARCH_ATTRIBUTES).filter(({ name }) => !(name in (customAttributes ?? {})));
  if (missing.length === 0) return;
  const entries = missing.map(({ name, type }) => [name, TYPE_NUMBERS[type]]);
  try {
    await operatorService.addSearchAttributes({ namespace, searchAttributes: Object.fromEntries(entries) });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === ALREADY_EXISTS)) throw error;
  }
}
