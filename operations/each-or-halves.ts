import type { WriteRefused } from '../database/database-errors.ts';

/**
 * Writes all items at once. Where that is refused because of one, each half is written by itself, so that the one is
 * found in as many steps as they can be halved, and all others are written.
 * @param write writes these items, or none of them
 * @param refusalOf what of an error is the refusal of an item; throws what concerns all of them
 */
export async function eachOrHalves<Item, Done>(
  items: readonly Item[],
  write: (items: readonly Item[]) => Promise<readonly Done[]>,
  refusalOf: (error: unknown) => WriteRefused | Promise<WriteRefused>,
): Promise<{ done: readonly Done[]; refused: readonly { item: Item; refusal: WriteRefused }[] }> {
  const [item] = items;
  if (item === undefined) return { done: [], refused: [] };
  try {
    return { done: await write(items), refused: [] };
  } catch (error) {
    const refusal = await refusalOf(error);
    if (items.length === 1) return { done: [], refused: [{ item, refusal }] };
  }
  const middle = Math.ceil(items.length / 2);
  const first = await eachOrHalves(items.slice(0, middle), write, refusalOf);
  const second = await eachOrHalves(items.slice(middle), write, refusalOf);
  return { done: [...first.done, ...second.done], refused: [...first.refused, ...second.refused] };
}
