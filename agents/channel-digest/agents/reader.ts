import { z } from 'zod';
import { defineAgent } from '../../../index.ts';
import { transcriptStages } from '../parsing/parse-transcript.ts';
import { storedTranscript } from '../schemas.ts';
import { paceOf } from './analysts.ts';

/** Reads the text into utterances with their lines. Fails with a TranscriptError on empty or malformed text. */
export const reader = defineAgent({
  name: 'digest-reader',
  description: 'Reads a chat export, meeting notes or prose into utterances that know their line.',
  input: z.object({
    text: z.string(),
    name: z.string().nullish(),
    names: z.record(z.string(), z.string()).nullish(),
    chat: z.string().nullish(),
  }),
  output: storedTranscript,
  async handle({ text, name, names, chat }, context) {
    const pace = paceOf(context);
    const options = { names: names ?? undefined, chat: chat ?? undefined };
    const stages = transcriptStages(text, name ?? 'the text', options);
    for (;;) {
      const stage = stages.next();
      if (stage.done) return stage.value;
      await pace();
    }
  },
});
