import type { TraceId } from '../domain/ids.ts';
import { charactersIn, type TextPosition, withoutFirst } from '../domain/thinking/text-position.ts';
import type { RunPath } from '../domain/traces/path.ts';
import { type LiveCall, LiveText } from './live-text.ts';
import type { RedisConnections } from './open-redis.ts';
import { entryId, lastIdOf, parseEntry, type TextPiece } from './text-entries.ts';

/** Entries of one reading, each of at most 16,384 UTF-16 units. */
const ENTRIES_PER_READ = 16;

/** Which run, and whose. */
export interface LiveRun {
  readonly tenant: string;
  readonly traceId: TraceId;
  readonly path: RunPath;
}

/** What was said after a place. */
export interface LivePage {
  readonly pieces: readonly TextPiece[];
  /** Whether more may be there already. */
  readonly isFull: boolean;
}

/**
 * What models say while they say it: a stream for each run, of the call that is being made.
 *
 * It is there for speed alone. The text of an answer is in PostgreSQL, and a reader that finds nothing here, or finds that
 * something is missing, reads it there once the answer is stored.
 */
export class LiveTexts {
  readonly #redis: RedisConnections;

  constructor(redis: RedisConnections) {
    this.#redis = redis;
  }

  /** What takes the text of a call that is about to be made. */
  open(call: LiveCall): LiveText {
    return new LiveText(this.#redis, call);
  }

  /**
   * The next pieces of a step after a place, which may lie within one. Where a piece does not begin at the place before
   * it, something is missing. @throws RedisUnreachable
   */
  async read({ tenant, traceId, path }: LiveRun, after: TextPosition): Promise<LivePage> {
    const key = this.#redis.keys.liveText(tenant, traceId, path);
    const entries = await this.#redis.ask((redis) =>
      redis.xrange(key, `(${entryId(after)}`, lastIdOf(after.step), 'COUNT', ENTRIES_PER_READ),
    );
    const pieces: TextPiece[] = [];
    for (const [id, fields] of entries) {
      const piece = parseEntry(id, fields);
      if (piece !== null) pieces.push(withoutOverlap(piece, pieces.at(-1)?.at ?? after));
    }
    return { pieces, isFull: entries.length === ENTRIES_PER_READ };
  }
}

/** What of a piece lies after a place. */
function withoutOverlap(piece: TextPiece, after: TextPosition): TextPiece {
  const from = piece.at.characters - charactersIn(piece.text);
  const overlap = piece.at.attempt === after.attempt ? after.characters - from : 0;
  return overlap <= 0 ? piece : { ...piece, text: withoutFirst(piece.text, overlap) };
}
