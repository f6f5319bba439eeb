import { newId } from '../../database/new-id.ts';
import type { WaitId } from '../../domain/ids.ts';
import type { RunWaitKind } from '../../domain/tasks/run-waits.ts';
import type { RunWait } from '../../entities/waits/run-wait.ts';
import type { NewWait, WaitPlace, WaitRepository } from '../../entities/waits/wait-repository.ts';
import { failedLook, type Look } from './look-setting.ts';

/** A wait that begins now and knows nothing. */
export function newWait(place: WaitPlace, kind: RunWaitKind, now: Date, expiresMs: number | undefined): NewWait {
  const until = expiresMs === undefined ? null : new Date(now.getTime() + expiresMs);
  return { ...place, id: newId<WaitId>(), kind, name: null, key: null, request: {}, answer: null, until };
}

/**
 * Begins a wait, unless it is over at once: what was answered in an earlier trace of the task holds again, and a message that
 * was kept is taken.
 */
export async function beginWait(waits: WaitRepository, ask: NewWait): Promise<Look> {
  await waits.begin(ask);
  // Another look may have begun it at this very moment.
  const wait = await waits.ofRun(ask);
  if (wait === null) throw new Error(`The wait of ${ask.path} was not written.`);
  const before = await waits.answeredBefore(ask);
  const isMessage = ask.kind === 'message' && ask.name !== null;
  const message = before === null && isMessage ? await waits.takeMessage(ask.taskId, ask.name) : null;
  if (before !== null) await waits.end(wait, { data: before.answer ?? null, by: before.answeredBy ?? '' });
  if (message !== null) await waits.end(wait, message);
  const look = await standingOf(waits, wait);
  if (look.kind !== 'waits') return look;
  const { kind, name, key, request, until } = ask;
  return { ...look, begun: { kind, name, key, request, until: until?.toISOString() ?? null } };
}

/** How a wait stands whose row is locked. One whose time is over ends. */
export async function standingOf(waits: WaitRepository, wait: RunWait): Promise<Look> {
  const { id, path, kind, state } = wait;
  const until = wait.until ?? null;
  if (state === 'waiting' && (until === null || until > (await waits.clock()))) {
    return { kind: 'waits', id, until, begun: null };
  }
  if (state === 'waiting' && kind === 'time')
    await waits.end(wait, { data: { until: until?.toISOString() ?? null }, by: 'time' });
  else if (state === 'waiting') await waits.expire(wait);
  if (wait.state === 'answered') return { kind: 'ok', output: wait.answer ?? null, outcome: null };
  return failedLook('wait_expired', `${path} waited until ${until?.toISOString()}, and nothing came.`);
}
