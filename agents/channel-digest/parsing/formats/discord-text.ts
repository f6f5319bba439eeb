import { type ChatFormat, sampleOf } from '../format.ts';
import { readHeaders } from './chat-lines.ts';

const RULE = /^={20,}$/;
const FOOTER = /^Exported \d[\d.,]* message\(s\)$/;

/** The plain text of DiscordChatExporter: a block that names the server and the channel, messages, and their number. */
export const discordText: ChatFormat = {
  name: 'discord',
  recognises({ lines }) {
    const head = sampleOf(lines).slice(0, 6);
    return ['Guild: ', 'Channel: '].every((title) => head.some((line) => line.startsWith(title))) ? 0.95 : 0;
  },
  read({ lines }) {
    const last = lines.findLastIndex((line) => FOOTER.test(line.slice(0, 80).trimEnd()));
    const end = RULE.test(lines[last - 1]?.slice(0, 200).trimEnd() ?? '') ? last - 1 : last;
    return readHeaders(last < 0 ? lines : lines.slice(0, end));
  },
};
