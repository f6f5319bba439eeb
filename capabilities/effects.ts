import type { EffectRequest, HandlerContext } from '../domain/agents/handler.ts';
import { acrossBorder, answering } from '../domain/agents/thrown.ts';
import { type Json, notJson, toJson } from '../domain/json.ts';
import { digestOf } from '../operations/digest-of.ts';
import { recording } from '../operations/record/recording.ts';
import { EffectConflict, EffectInDoubt, EffectResultInvalid, HandlerCallInvalid } from './capability-errors.ts';
import { assertCurrent, isName, type NodeScope, placeOf } from './scope.ts';

/** A checked request for an effect. */
interface AskedEffect {
  readonly step: string;
  readonly request: Json;
  readonly requestHash: string;
  readonly call: EffectRequest<Json>['call'];
  readonly whenInDoubt: EffectRequest<Json>['whenInDoubt'];
}

/** The running effect of one step of an attempt. */
interface UnderWay {
  readonly requestHash: string;
  readonly result: Promise<Json>;
}

/**
 * The effects of one attempt: see {@link HandlerContext.effect}. A step that is asked for again while it is under way is
 * one effect with one result.
 */
export function handlerEffects(scope: NodeScope): HandlerContext['effect'] {
  const underWay = new Map<string, UnderWay>();
  const once = async (step: unknown, given: unknown): Promise<Json> => {
    const effect = checkedEffect(scope.nodeId, step, given);
    scope.deps.watch.asked(scope.invocation, { effect: effect.request });
    const same = underWay.get(effect.step);
    if (same !== undefined && same.requestHash !== effect.requestHash) throw new EffectConflict(effect.step);
    if (same !== undefined) return same.result;
    const result = doEffect(scope, effect);
    underWay.set(effect.step, { requestHash: effect.requestHash, result });
    return result.finally(() => underWay.delete(effect.step));
  };
  // The caller vouches for the type of a result: it was recorded from a call of the same step.
  return (step, effect) => answering(() => once(step, effect)) as Promise<never>;
}

/** @throws HandlerCallInvalid */
function checkedEffect(nodeId: string, step: unknown, given: unknown): AskedEffect {
  const { request, call, whenInDoubt } = (given ?? {}) as Partial<Record<keyof EffectRequest<Json>, unknown>>;
  const refuse = (fault: string): never => {
    throw new HandlerCallInvalid(nodeId, 'effect', fault);
  };
  if (!isName(step)) return refuse('expected a short text as the name of its step.');
  if (typeof call !== 'function') return refuse('expected a function as call.');
  if (whenInDoubt !== 'repeat' && whenInDoubt !== 'stop') return refuse("expected 'repeat' or 'stop' as whenInDoubt.");
  const json = toJson(request ?? null);
  if (!json.ok) return refuse(`its request: ${notJson(json)}`);
  const requestHash = digestOf(json.value);
  return {
    step,
    request: json.value,
    requestHash,
    whenInDoubt,
    call: (key) => Reflect.apply(call, given, [key]),
  };
}

/**
 * The only way through the ledger: announces the effect, calls, records. The key holds no attempt number, so every
 * repetition finds the same row: `done` has the answer, `pending` means that an earlier attempt died in between. The
 * ledger decides what a redriven task finds from its earlier traces.
 */
async function doEffect(scope: NodeScope, effect: AskedEffect): Promise<Json> {
  const { deps, execution, attempt } = scope;
  const nodeId = placeOf(scope);
  const { step, requestHash, whenInDoubt } = effect;
  // A unit of work whose commit got no answer runs again and finds its own row.
  let announcedHere = false;
  const found = await recording({ units: deps.database, log: deps.log }, execution.tenant, async ({ em, recorder }) => {
    await assertCurrent(em, scope);
    const announced = await recorder.effectAnnounced(execution, { nodeId, step, requestHash, attempt, whenInDoubt });
    announcedHere ||= announced.created;
    return announced;
  });
  const { key } = found;
  if (found.requestHash !== requestHash) throw new EffectConflict(key);
  if (found.fault !== null) throw new EffectResultInvalid(key, found.fault);
  if (found.state === 'done') return found.result;
  if (!announcedHere && whenInDoubt === 'stop') throw new EffectInDoubt(key);

  const result = await acrossBorder(() => effect.call(key));
  await deps.reach('after_effect_before_record');
  return record(scope, { key, result });
}

/** It has happened: that much is recorded, whatever its result is. @throws EffectResultInvalid */
async function record(
  { deps, execution }: NodeScope,
  { key, result }: { key: string; result: unknown },
): Promise<Json> {
  const json = toJson(result ?? null);
  const done = json.ok ? { result: json.value, fault: null } : { result: null, fault: `its result: ${notJson(json)}` };
  await recording({ units: deps.database, log: deps.log }, execution.tenant, ({ recorder }) =>
    recorder.effectFinished(execution, key, done),
  );
  if (done.fault !== null) throw new EffectResultInvalid(key, done.fault);
  return done.result;
}
