import type {
  ActionItem,
  Decision,
  Findings,
  Highlight,
  OpenQuestion,
  Participant,
  Sentiment,
  Statement,
  Topic,
  Transcript,
} from '../schemas.ts';

/** Lines cited per topic and per person's mood: enough to check it, few enough to read on. */
const CITED = 3;

export function decisionStatement({ text, by, supporters, replacedAt, lines }: Decision): Statement {
  const agreed = supporters.length === 0 ? '' : `, agreed by ${listed(supporters)}`;
  const said = by === null ? '' : ` — ${by}${agreed}`;
  const replaced = replacedAt === null ? '' : ` Replaced later, on line ${replacedAt}.`;
  return {
    section: 'decisions',
    text: `${text.replace(/\.$/, '')}${said}.${replaced}`,
    claim: `${text} ${by ?? ''}`,
    lines,
  };
}

export function actionStatement({ text, owner, due, state, lines }: ActionItem): Statement {
  const facts = [due === null ? null : `due ${due}`, state === 'open' ? null : STATES[state]].filter(
    (fact) => fact !== null,
  );
  const ending = facts.length === 0 ? '' : ` — ${facts.join(', ')}`;
  return {
    section: 'actions',
    text: `${owner ?? 'Nobody yet'}: ${text}${ending}.`,
    claim: `${owner ?? ''} ${text} ${due ?? ''}`,
    lines,
  };
}

const STATES = { unconfirmed: 'not confirmed', done: 'done' } as const;

export function questionStatement({ text, askedBy, askedOf, reason, lines }: OpenQuestion): Statement {
  const asked = askedBy === null ? '' : `asked by ${askedBy}${askedOf === null ? '' : ` of ${askedOf}`}; `;
  return { section: 'questions', text: `${text} — ${asked}${reason}.`, claim: `${text} ${askedBy ?? ''}`, lines };
}

/** What the report says about one topic: its name, how much it was talked about, and its most telling sentence. */
export function topicStatement({ label, mentions, speakers, keySentence, lines }: Topic): Statement {
  const by = speakers.length === 0 ? '' : ` by ${speakers.length > 3 ? `${speakers.length} people` : listed(speakers)}`;
  const times = mentions === 1 ? 'once' : `${mentions} times`;
  return {
    section: 'topics',
    text: `${label} — mentioned ${times}${by}: “${keySentence}”`,
    claim: `${label} ${keySentence}`,
    lines,
  };
}

/** What the report says about the mood: of the whole, of people, and where it turned. */
export function moodStatements({ mood, lines: evidence, participants, turningPoints }: Sentiment): Statement[] {
  const overall =
    mood === 'neutral' || evidence.length === 0
      ? []
      : [moodStatement(`The mood is ${MOOD_WORDS[mood]}.`, '', evidence)];
  const people = participants
    .filter(({ mood: own }) => own === 'positive' || own === 'negative')
    .map((person) =>
      moodStatement(`${person.name} sounds ${MOOD_WORDS[person.mood]}.`, person.name, person.lines.slice(0, CITED)),
    );
  const turns = turningPoints.map(({ line, speaker, from, to, text }) =>
    moodStatement(`It turns from ${from} to ${to} where ${speaker ?? 'the text'} says “${text}”`, text, [line]),
  );
  return [...overall, ...people, ...turns];
}

const MOOD_WORDS = {
  positive: 'mostly positive',
  neutral: 'neutral',
  mixed: 'mixed',
  negative: 'mostly negative',
} as const;

function moodStatement(text: string, claim: string, lines: number[]): Statement {
  return { section: 'mood', text, claim, lines: lines.toSorted((one, other) => one - other) };
}

export function participantStatement({
  name,
  messages,
  words,
  talksWith,
  firstLine,
  lastLine,
}: Participant): Statement {
  if (words === 0)
    return {
      section: 'participants',
      text: `${name} — named in ${counted(messages, 'entry')}.`,
      claim: name,
      lines: [firstLine],
    };
  const partner = talksWith[0];
  const most = partner === undefined ? '' : `, most with ${partner.name} (${counted(partner.exchanges, 'exchange')})`;
  const text = `${name} — ${counted(messages, 'message')}, ${counted(words, 'word')}${most}.`;
  const lines = [...new Set([firstLine, ...(partner === undefined ? [] : [partner.line]), lastLine])];
  return { section: 'participants', text, claim: name, lines: lines.sort((one, other) => one - other) };
}

/** A sentence of the talk, in the words of the one who said it. */
export function highlightStatement({ text, speaker, lines }: Highlight): Statement {
  const quoted = speaker === null ? text : `${speaker}: “${text}”`;
  return { section: 'summary', text: quoted, claim: `${speaker ?? ''} ${text}`, lines };
}

/** What the talk is mostly about, in one sentence. */
export function topicsStatement(topics: readonly Topic[]): Statement[] {
  const main = topics.slice(0, CITED);
  if (main.length < 2) return [];
  const labels = main.map(({ label }) => label);
  const lines = [...new Set(main.flatMap(({ lines: own }) => own.slice(0, 1)))].sort((one, other) => one - other);
  return [{ section: 'summary', text: `The talk is mostly about ${listed(labels)}.`, claim: labels.join(' '), lines }];
}

/** How much was said and what came of it, in one sentence. */
export function overviewStatement(
  { utterances: all, statistics, legibility }: Transcript,
  findings: Findings,
): Statement {
  const utterances = all.filter(({ automated }) => !automated);
  const { firstTime, lastTime, speakers } = statistics;
  const span =
    firstTime === null || lastTime === null || firstTime === lastTime
      ? ''
      : ` between ${shortTime(firstTime)} and ${shortTime(lastTime)}`;
  const who = speakers === 0 ? 'The notes hold' : `${speakers === 1 ? 'One person' : `${speakers} people`} wrote`;
  const what = counted(utterances.length, speakers === 0 ? 'entry' : 'message');
  const { decisions, actionItems, openQuestions } = findings;
  const outcome = [
    counted(decisions.length, 'decision'),
    counted(actionItems.length, 'action item'),
    counted(openQuestions.length, 'open question'),
  ];
  const came = legibility === 0 ? 'what came of it was not read' : listed(outcome);
  const first = utterances[0]?.line ?? 1;
  const last = utterances.at(-1)?.lastLine ?? first;
  return {
    section: 'summary',
    text: `${who} ${what}${span}: ${came}.`,
    claim: '',
    lines: first === last ? [first] : [first, last],
  };
}

/** Seconds and zone of a machine's time stamp are noise to a reader. */
function shortTime(time: string): string {
  return time.replace(/^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}).*$/, '$1 $2');
}

function counted(count: number, noun: string): string {
  const plural = noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`;
  return `${count === 0 ? 'no' : count.toLocaleString('en-US')} ${count === 1 ? noun : plural}`;
}

function listed(names: readonly string[]): string {
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`;
}
