import { Client } from 'pg';
import { rateOf, timesOf } from '../measure.ts';
import { countUsage, type Usage } from '../usage.ts';

/** What the bench asks of a peer. One request at a time. */
export type Request =
  | { readonly ask: 'rate'; readonly work: string; readonly runs: number; readonly inFlight: number }
  | { readonly ask: 'times'; readonly work: string; readonly runs: number }
  | { readonly ask: 'drain'; readonly count: number }
  | { readonly ask: 'usage' };

/** What it answers; and once without being asked, when it is ready. */
export interface Answer {
  readonly result: unknown;
  readonly fault: string | null;
}

/** A peer, opened on its store. */
export interface Peer {
  /** By name; each call is one run, from the wish to the end. */
  readonly works: Readonly<Record<string, () => Promise<unknown>>>;
  /** Carries out so many that wait already. Gives the milliseconds from the first start to the last end. */
  drain?(count: number): Promise<number>;
  close(): Promise<void>;
}

/** Opens a peer on the store whose address the process was given, and answers until the bench disconnects. */
export async function serve(open: (storeUrl: string) => Promise<Peer>): Promise<void> {
  const usage = countUsage(Client);
  const peer = await open(process.argv[2] ?? '');
  process.on('message', (request: Request) => {
    answer(peer, request, usage).then(
      (result) => tell({ result, fault: null }),
      (error: unknown) => tell({ result: null, fault: String(error) }),
    );
  });
  process.once('disconnect', () => {
    void peer.close().finally(() => process.exit(0));
  });
  tell({ result: null, fault: null });
}

async function answer(peer: Peer, request: Request, usage: () => Usage): Promise<unknown> {
  if (request.ask === 'usage') return usage();
  if (request.ask === 'drain') return peer.drain?.(request.count);
  const once = peer.works[request.work];
  if (once === undefined) throw new Error(`It has no work ${request.work}.`);
  const contestant = { name: request.work, once };
  return request.ask === 'rate' ? rateOf(contestant, request) : timesOf(contestant, request.runs);
}

function tell(answer: Answer): void {
  process.send?.(answer);
}
