import { z } from 'zod';
import { defineAgent } from '../../../index.ts';
import { findParticipants } from '../findings/participants.ts';
import { participant, transcript } from '../schemas.ts';

export const participantAnalyst = defineAgent({
  name: 'digest-participant-analyst',
  description: 'Counts who spoke how much and with whom.',
  input: z.object({ transcript }),
  output: z.object({ participants: z.array(participant) }),
  quick: true,
  handle: (input) => ({ participants: findParticipants(input.transcript) }),
});
