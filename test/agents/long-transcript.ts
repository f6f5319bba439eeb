/** What was planted in a made-up talk, by the line on which it stands. */
export interface PlantedTalk {
  readonly text: string;
  readonly decisions: number[];
  readonly actions: Array<{ line: number; owner: string }>;
  readonly openQuestions: number[];
}

const PEOPLE = ['amir', 'bella', 'carlos', 'dana', 'eric', 'fatima', 'greta', 'hugo'] as const;
const THINGS = [
  'login page',
  'search index',
  'invoice export',
  'payment gateway',
  'mobile client',
  'audit log',
  'cache cluster',
  'release pipeline',
  'user import',
  'email template',
  'report builder',
  'billing service',
  'map widget',
  'image store',
  'webhook sender',
  'rate limiter',
  'backup job',
  'permission model',
  'chat widget',
  'metrics dashboard',
] as const;
const REMARKS = [
  'the {thing} took {n} ms on the slow path this morning',
  'most of the complaints about the {thing} come from two customers',
  'the {thing} passed all {n} tests on the second run',
  'there were {n} errors from the {thing} overnight, mostly timeouts',
  'the {thing} is much faster since the last upgrade',
  'the numbers for the {thing} look the same as last month',
  'the {thing} still uses the old library in {n} places',
  'support got {n} mails about the {thing} since Monday',
  'the logs of the {thing} are full of noise',
  'the {thing} has no owner on the wiki',
  'yeah',
  'ok',
  'haha',
  '+1',
  'good morning',
  'brb',
  'thanks!',
  'nice 🙂',
  'makes sense',
  'I see',
] as const;
const TASKS = [
  'write the migration guide for',
  'add monitoring to',
  'review the tests of',
  'clean up the config of',
  'update the documentation of',
] as const;
const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday'] as const;

/** Makes a talk in which each stretch of so many lines begins with a decision, an action or a question. Deterministic. */
export function plantedTalk(lines: number, stretch = 50): PlantedTalk {
  const random = generator(7);
  const pick = <Value>(values: readonly Value[]): Value => values[Math.floor(random() * values.length)] as Value;
  const talk: string[] = [];
  const planted: PlantedTalk = { text: '', decisions: [], actions: [], openQuestions: [] };
  const say = (who: string, what: string) => talk.push(`[${clock(talk.length)}] ${who}: ${what}`);
  const chatter = () =>
    say(
      pick(PEOPLE),
      pick(REMARKS)
        .replace('{thing}', pick(THINGS))
        .replace('{n}', String(2 + Math.floor(random() * 900))),
    );
  for (let block = 0; talk.length + stretch <= lines; block++) {
    const [one, other] = [PEOPLE[block % 8] as string, PEOPLE[(block + 3) % 8] as string];
    const thing = `${pick(THINGS)} ${['alpha', 'beta', 'gamma', 'delta'][block % 4]}${block}`;
    plant(block % 4, { say, planted, one, other, thing, task: pick(TASKS), day: pick(DAYS), line: () => talk.length });
    const end = (block + 1) * stretch;
    while (talk.length < end) chatter();
  }
  while (talk.length < lines) chatter();
  return { ...planted, text: `${talk.join('\n')}\n` };
}

interface Plot {
  readonly say: (who: string, what: string) => void;
  readonly planted: PlantedTalk;
  readonly one: string;
  readonly other: string;
  readonly thing: string;
  readonly task: string;
  readonly day: string;
  readonly line: () => number;
}

function plant(kind: number, { say, planted, one, other, thing, task, day, line }: Plot): void {
  if (kind === 0) {
    say(one, `how about we move the ${thing} to the new servers?`);
    say(other, 'agreed, sounds good');
    say(one, `decision: we move the ${thing} to the new servers next month`);
    planted.decisions.push(line());
  } else if (kind === 1) {
    say(one, `@${other} can you ${task} the ${thing} by ${day}?`);
    planted.actions.push({ line: line(), owner: other });
    say(other, 'sure, will do');
  } else if (kind === 2) {
    say(one, `does anybody know why the ${thing} restarts every night?`);
    planted.openQuestions.push(line());
    say(other, 'no idea');
  } else {
    say(one, `when does the certificate of the ${thing} expire?`);
    say(other, `on ${day}, I renewed it last year`);
    say(other, `I'll ${task} the ${thing} tomorrow`);
    planted.actions.push({ line: line(), owner: other });
  }
}

function clock(minute: number): string {
  const hours = Math.floor(minute / 60) % 24;
  return `${String(hours).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}

/** A linear congruential generator: the same talk on every machine. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
