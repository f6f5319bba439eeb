import { eachInSlices, type Pace } from '../language/read-sentences.ts';

/** Passes over the links; ranks of short texts settle to three digits well before. */
const PASSES = 20;
const DAMPING = 0.85;

/**
 * Ranks sentences by how central they are: each passes its rank on to those that it shares rare words with. Weights
 * are cosines over words weighed by rarity. Returns one rank per sentence, 0 to 1, the best being 1. Cost: proportional
 * to the pairs of sentences that share a word, so hand in at most some 1,000. Calls `pace` between slices of the work.
 */
export async function rankSentences(sentences: ReadonlyArray<ReadonlySet<string>>, pace: Pace): Promise<number[]> {
  const rarity = rarities(sentences);
  const lengths = sentences.map((terms) => Math.hypot(...[...terms].map((term) => rarity.get(term) ?? 0)));
  const links = await linksOf(sentences, { rarity, lengths, pace });
  const outward = links.map((own) => own.reduce((sum, { weight }) => sum + weight, 0));
  let ranks = sentences.map(() => 1);
  for (let pass = 0; pass < PASSES; pass++) {
    await pace();
    ranks = links.map((own) => {
      const received = own.reduce((sum, { to, weight }) => sum + (weight / (outward[to] || 1)) * (ranks[to] ?? 0), 0);
      return 1 - DAMPING + DAMPING * received;
    });
  }
  const best = ranks.reduce((most, rank) => Math.max(most, rank), 0);
  return ranks.map((rank) => (best === 0 ? 0 : rank / best));
}

interface Link {
  readonly to: number;
  readonly weight: number;
}

function rarities(sentences: ReadonlyArray<ReadonlySet<string>>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const terms of sentences) for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
  return new Map([...counts].map(([term, count]) => [term, Math.log(1 + sentences.length / count)]));
}

interface Measures {
  readonly rarity: ReadonlyMap<string, number>;
  readonly lengths: readonly number[];
  readonly pace: Pace;
}

async function linksOf(
  sentences: ReadonlyArray<ReadonlySet<string>>,
  { rarity, lengths, pace }: Measures,
): Promise<Link[][]> {
  const containing = new Map<string, number[]>();
  sentences.forEach((terms, at) => {
    for (const term of terms) {
      const known = containing.get(term);
      if (known === undefined) containing.set(term, [at]);
      else known.push(at);
    }
  });
  const links: Link[][] = [];
  await eachInSlices(sentences.entries(), pace, ([at, terms]) => {
    const products = new Map<number, number>();
    for (const term of terms) {
      const weight = (rarity.get(term) ?? 0) ** 2;
      for (const other of containing.get(term) ?? [])
        if (other !== at) products.set(other, (products.get(other) ?? 0) + weight);
    }
    links.push(
      [...products].map(([to, product]) => ({ to, weight: product / ((lengths[at] || 1) * (lengths[to] || 1)) })),
    );
  });
  return links;
}
