import { readFileSync } from 'node:fs';

const NAMES = ['package-tracking', 'customer-support', 'order-tracking', 'store-finder'] as const;

/** The templates that ship with Muster, each as a document. */
export function shippedTemplates(): readonly string[] {
  return NAMES.map((name) => readFileSync(new URL(`./${name}.yaml`, import.meta.url), 'utf8'));
}
