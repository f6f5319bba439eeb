import type { ChatFormat } from '../format.ts';
import { captions } from './captions.ts';
import { chatLines } from './chat-lines.ts';
import { csv } from './csv.ts';
import { discord, discordText } from './discord.ts';
import { googleChat } from './google-chat.ts';
import { irc } from './irc.ts';
import { jsonChat } from './json-chat.ts';
import { notes } from './notes.ts';
import { slack } from './slack.ts';
import { teamsExport, teamsGraph } from './teams.ts';
import { telegram } from './telegram.ts';
import { whatsapp } from './whatsapp.ts';
import { zoomChat } from './zoom-chat.ts';

/** Formats of JSON documents. The last one takes any. */
export const JSON_FORMATS: readonly ChatFormat[] = [
  slack,
  telegram,
  discord,
  googleChat,
  teamsGraph,
  teamsExport,
  jsonChat,
];

/** Formats of texts. The last one takes any. */
export const TEXT_FORMATS: readonly ChatFormat[] = [
  captions,
  zoomChat,
  discordText,
  whatsapp,
  irc,
  csv,
  chatLines,
  notes,
];
