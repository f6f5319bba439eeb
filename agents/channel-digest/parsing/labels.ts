/** Words that precede a colon in notes and are nobody's name. */
const LABELS = new Set(
  `note | notes | todo | todos | to do | action | actions | action item | action items | decision | decisions | decided
  | agreed | question | questions | q | a | date | time | place | where | when | who | location | venue | attendees | present | participants | absent | apologies
  | agenda | topic | topics | subject | summary | status | next step | next steps | update | updates | edit | ps | fyi | warning
  | error | info | http | https | risk | risks | issue | issues | blocker | blockers | problem | problems | budget | cost
  | costs | scope | goal | goals | objective | objectives | outcome | outcomes | result | results | owner | owners | due
  | deadline | deadlines | priority | timeline | schedule | milestone | milestones | dependencies | assumptions | background
  | context | discussion | proposal | proposals | options | option | pros | cons | conclusion | conclusions | feedback | idea
  | ideas | resources | references | links | link | attachments | example | examples | plan | progress | highlights | wins
  | metrics | numbers | follow-up | follow-ups | follow up | parking lot | miscellaneous | misc | aob | any other business
  | done | doing | in progress | open | closed | blocked | today | yesterday | tomorrow | title | name | type | tags | author
  | chair | facilitator | minutes | recorder | scribe | notetaker | note taker | organizer | organiser | host | duration
  | meeting | project | team | version | reminder | important | reason | impact | description | requirements | opportunities
  | strengths | weaknesses | threats | mitigation | lessons learned | started | stopped | subject line | from | cc | bcc`
    .split('|')
    .map((label) => label.trim()),
);

const ACTION_SECTION = /\b(?:actions?|action items?|to-?dos?|next steps?|tasks?|follow[- ]?ups?)\b/i;

/** Whether a heading introduces things to do. */
export function headsActions(heading: string | null | undefined): boolean {
  return ACTION_SECTION.test(heading ?? '');
}

/** Whether a word before a colon heads what follows and is nobody's name. */
export function isLabel(name: string): boolean {
  return LABELS.has(name.toLowerCase().replace(/\s+/g, ' ').trim());
}
