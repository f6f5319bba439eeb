import { type Digest, digest } from '../../agents/channel-digest/schemas.ts';
import { formatOutput, plain, shorten } from '../output/formatting.ts';
import type { Colors } from '../output/output.ts';

const TEXT_WIDTH = 110;
const ENTRIES = 8;

/** The Markdown report of a digest; null when the output is not a digest. */
export function reportOf(output: unknown): string | null {
  const parsed = digest.pick({ report: true }).safeParse(output);
  return parsed.success ? parsed.data.report : null;
}

/** A channel digest for people: who took part, what was decided, who does what, what is open, how good the report is. */
export function formatDigest(output: unknown, colors: Colors): string {
  const parsed = digest.safeParse(output);
  if (!parsed.success) return formatOutput(output, '`muster show TASK --json` has all of it');
  const found = parsed.data;
  const sections: [string, readonly string[]][] = [
    ['Summary', summary(found, colors)],
    ['Participants', participants(found)],
    ['Decisions', found.decisions.map((decision) => cited(standing(decision), decision.lines, { colors }))],
    ['Action items', found.actionItems.map((item) => cited(assignment(item), item.lines, { colors }))],
    ['Open questions', found.openQuestions.map((item) => cited(asked(item), item.lines, { colors }))],
    ['Topics', found.topics.length === 0 ? [] : [found.topics.map(({ label }) => plain(label)).join(', ')]],
  ];
  const blocks = sections.map(([title, entries]) => formatSection(title, entries, colors));
  const notices = found.notices.length === 0 ? [] : [formatNotices(found, colors)];
  return [...notices, ...blocks, formatQuality(found, colors)].join('\n\n');
}

/** Not shortened: a reader who misses one would trust the digest too much. */
function formatNotices({ notices }: Digest, colors: Colors): string {
  return [colors.bold('Please note'), ...notices.map(({ text }) => `  ${colors.yellow(plain(text))}`)].join('\n');
}

function formatSection(title: string, entries: readonly string[], colors: Colors): string {
  const shown = entries.slice(0, ENTRIES).map((entry) => `  ${entry}`);
  const left = entries.length - shown.length;
  const rest = left > 0 ? [colors.dim(`  … ${left} more in the report`)] : [];
  return [colors.bold(title), ...(entries.length === 0 ? [colors.dim('  none')] : shown), ...rest].join('\n');
}

function cited(
  text: string,
  lines: readonly number[],
  { colors, width = TEXT_WIDTH }: { colors: Colors; width?: number },
): string {
  return `${shorten(text, width)} ${colors.dim(`[${lines.join(', ')}]`)}`;
}

/** Quotes are cut; the overview in front of them, with the results of the talk, is not. */
function summary({ summary: entries }: Digest, colors: Colors): string[] {
  return entries.map(({ text, lines }, at) =>
    cited(text, lines, { colors, width: at === 0 ? text.length : TEXT_WIDTH }),
  );
}

function participants({ participants: people, statistics }: Digest): string[] {
  const width = Math.max(0, ...people.map(({ name }) => plain(name).length));
  return people.map(({ name, messages, share, talksWith }) => {
    if (statistics.speakers === 0)
      return `${plain(name).padEnd(width)}  named in ${messages} ${messages === 1 ? 'entry' : 'entries'}`;
    const partners = talksWith.slice(0, 3).map((partner) => plain(partner.name));
    const exchanges = partners.length === 0 ? '' : `, mostly with ${partners.join(', ')}`;
    return `${plain(name).padEnd(width)}  ${count(messages, 'message')}, ${Math.round(share * 100)} % of the words${exchanges}`;
  });
}

function standing({ text, replacedAt }: Digest['decisions'][number]): string {
  return replacedAt === null ? text : `(replaced at line ${replacedAt}) ${text}`;
}

function assignment({ text, owner, due, state }: Digest['actionItems'][number]): string {
  const when = due === null ? '' : `, due ${due}`;
  const note = state === 'open' ? '' : ` (${state})`;
  return `${owner ?? 'nobody yet'}: ${text}${when}${note}`;
}

function asked({ text, askedBy }: Digest['openQuestions'][number]): string {
  return askedBy === null ? text : `${askedBy}: ${text}`;
}

function formatQuality({ quality, statistics, sentiment }: Digest, colors: Colors): string {
  const { score, revisions, reasons } = quality;
  const times = revisions === 0 ? 'without a revision' : `after ${count(revisions, 'revision')}`;
  const source = `${count(statistics.utterances, 'utterance')} on ${count(statistics.lines, 'line')} (${statistics.format})`;
  const [, noEdition] = reasons.join('\n').match(/^no-edition: (.+)$/m) ?? [];
  const note = noEdition === undefined ? '' : `\n  ${colors.yellow(`Note: ${plain(noEdition)}.`)}`;
  return `${colors.bold('Quality')}\n  The critic gives ${score.toFixed(2)} of 1, ${times}. Mood: ${sentiment.mood}. Read: ${source}.${note}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
