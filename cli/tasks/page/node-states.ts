import type { TaskView } from '../../../client.ts';

/** What a status means to a reader's eye: one of the page's colours. */
export type Tone = 'good' | 'bad' | 'busy' | 'waiting' | 'over' | 'idle';

const TONES: Readonly<Record<Exclude<Tone, 'idle'>, readonly string[]>> = {
  good: ['completed', 'ok', 'done', 'approved', 'processed', 'allowed'],
  bad: ['failed', 'fatal_error', 'retryable_error', 'denied', 'rejected', 'in_doubt', 'dead'],
  busy: ['in_progress', 'running', 'leased'],
  waiting: ['waiting', 'waiting_approval', 'waiting_input', 'paused', 'waits'],
  over: ['cancelled', 'skipped'],
};

/** The tone of a status of a task, a trace, a run, a call, an approval or a message. */
export function toneOf(status: string): Tone {
  const found = Object.entries(TONES).find(([, statuses]) => statuses.includes(status));
  return (found?.[0] as Tone | undefined) ?? 'idle';
}

type Trace = TaskView['traces'][number];
type Run = Trace['runs'][number];

/** What became of a node, over all of its runs. */
export interface NodeState {
  readonly status: string;
  /** All that ended, of all that there are. */
  readonly ended: number;
  readonly runs: readonly Run[];
}

/** The statuses of which one is enough to speak for all runs of a node, the most telling first. */
const TELLING = ['fatal_error', 'retryable_error', 'waiting', 'running', 'pending', 'ok', 'skipped'];

/** The states of a trace's nodes, by where they stand in the graph: the path without the numbers of inner graphs. */
export function statesOf({ runs, steps, events }: Trace): ReadonlyMap<string, NodeState> {
  const asking = steps.filter(({ tools }) => tools.some(({ state }) => state === 'waiting')).map(({ path }) => path);
  // A node that waits does nothing else until its end.
  const waits = events.filter(({ type }) => type === 'run.waits').map(({ path }) => path);
  const waiting = new Set([...asking, ...waits]);
  const statusOf = ({ status, path }: Run): string => (status === 'running' && waiting.has(path) ? 'waiting' : status);
  const groups = Map.groupBy(runs, ({ path }) => path.replaceAll(/\[\d+\]/g, ''));
  return new Map(
    [...groups].map(([place, own]) => {
      const statuses = own.map(statusOf);
      const status = TELLING.find((each) => statuses.includes(each)) ?? 'pending';
      return [place, { status, ended: own.filter(({ finishedAt }) => finishedAt !== null).length, runs: own }];
    }),
  );
}
