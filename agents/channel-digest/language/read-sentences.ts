import { createHash } from 'node:crypto';
import type { Transcript } from '../schemas.ts';
import { loadLanguageModel } from './language-model.ts';
import { type Sentence, SentenceReader } from './sentences.ts';

/** Says between pieces of work that the agent is alive; throws when it should stop. */
export type Pace = () => Promise<void>;

/** How long one slice of work keeps the process, in milliseconds. */
const SLICE_MS = 20;

/** A reading that is under way, and how many agents wait for it. */
interface Reading {
  readonly reader: SentenceReader;
  waiting: number;
}

/** The analysts of a text run side by side in one process: they read it together, once. */
const readings = new Map<string, Reading>();

/**
 * Cuts what people said into sentences, line by line, so that each knows its own line of the source. Bots, and
 * utterances in another language, are left out. Calls `pace` between slices of some 20 ms. Each one that waits reads on, so
 * that an agent that is stopped holds up no other one.
 */
export async function readSentences(transcript: Transcript, pace: Pace): Promise<readonly Sentence[]> {
  const model = await loadLanguageModel();
  const key = fingerprint(transcript);
  const reading = readings.get(key) ?? { reader: new SentenceReader(transcript, model), waiting: 0 };
  readings.set(key, reading);
  reading.waiting += 1;
  try {
    while (reading.reader.sentences === null) {
      await pace();
      reading.reader.read(SLICE_MS);
    }
    return reading.reader.sentences;
  } finally {
    reading.waiting -= 1;
    if (reading.waiting === 0) readings.delete(key);
  }
}

/** Does some work for each item, and calls `pace` whenever a slice of it has taken its time. */
export async function eachInSlices<Item>(items: Iterable<Item>, pace: Pace, work: (item: Item) => void): Promise<void> {
  let until = performance.now() + SLICE_MS;
  for (const item of items) {
    work(item);
    if (performance.now() < until) continue;
    await pace();
    until = performance.now() + SLICE_MS;
  }
}

function fingerprint({ language, utterances }: Transcript): string {
  const hash = createHash('sha256').update(language);
  for (const { line, speaker, text, automated } of utterances)
    hash.update(`${line}\0${speaker}\0${automated}\0${text}\0`);
  return hash.digest('base64');
}
