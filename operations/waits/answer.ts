import { z } from 'zod';
import { PatternWork } from '../../domain/graphs/bounded-pattern.ts';
import type { EntityRule } from '../../domain/graphs/definition.ts';
import { answerFault, collected, missingOf } from '../../domain/graphs/entities.ts';
import type { WaitId } from '../../domain/ids.ts';
import type { EntityValues } from '../../domain/tasks/run-waits.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import { type OpenWait, WaitRepository } from '../../entities/waits/wait-repository.ts';
import { text } from '../../options/fields.ts';
import { actorOf } from '../caller.ts';
import { defineOperation } from '../define.ts';
import { requireTask } from '../tasks/read.ts';
import { askedBy, knownTo } from './asked.ts';
import { tellAtOnce } from './tell-at-once.ts';
import { AnswerInvalid, NothingAsked } from './wait-errors.ts';
import { WAIT_ENDING } from './waits-fields.ts';

/** Values for a node that asks. */
export interface AnswerTask {
  readonly id: string;
  /** The run that asks. @defaultValue the only one of the task */
  readonly path?: string;
  /** Texts, numbers, `true` or `false` by the names that are asked for; some of them, or all. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** What a node has after an answer. */
export interface AnsweredView {
  readonly waitId: WaitId;
  readonly path: RunPath;
  readonly values: EntityValues;
  /** What is still asked for; where there is nothing, the node continues. */
  readonly missing: readonly EntityRule[];
}

/** All values of an answer count, or none. A later answer may correct an earlier one for as long as something is missing. */
export const answerTask = defineOperation({
  ...WAIT_ENDING,
  name: 'tasks.answer',
  summary: 'Answers what a node of a task asks for.',
  input: {
    id: text(),
    path: text({ max: 1_000 }).optional(),
    values: z.record(z.string(), z.unknown(), { error: 'an object of values by their names' }),
  },
  async handle({ em, caller, id: callId }, { id, path, values }: AnswerTask): Promise<AnsweredView> {
    const waits = new WaitRepository(em);
    const task = await requireTask(em, caller.tenant, id);
    // The unit of work runs again where the answer to its commit was lost.
    const told = await waits.toldBy(callId);
    if (told !== null) return answered(told, knownTo(told.answer ?? null));
    const asking = (await waits.open(task.id)).filter(({ kind }) => kind === 'entities');
    const open = oneOf(asking, path);
    const wait = open === null ? null : await waits.lock(open);
    if (open === null || wait === null) {
      throw new NothingAsked(
        id,
        path,
        asking.filter((one) => one !== open).map((one) => one.path),
      );
    }
    const entities = askedBy(open);
    const known = { ...knownTo(wait.answer ?? null), ...checked(id, entities, values) };
    if (missingOf(entities, known).length > 0) await waits.note(wait, known, callId);
    else {
      await waits.end(wait, { data: collected(entities, known), by: actorOf(caller), callId });
      await waits.tell(open);
    }
    return answered(open, known);
  },
  audit: ({ path, missing }, { id, values }) => {
    const details = { path, names: Object.keys(values), complete: missing.length === 0 };
    return { action: 'task.answered', subjectType: 'task', subjectId: id, details };
  },
  after: (call, { waitId, missing }, { id }) => tellAtOnce(call, id, missing.length === 0 ? waitId : null),
});

/** What a node has now. An optional value that nobody named is null in what was kept of a complete answer. */
function answered({ id: waitId, path, request }: Pick<OpenWait, 'id' | 'path' | 'request'>, has: EntityValues) {
  const values = Object.fromEntries(Object.entries(has).filter(([, value]) => value !== null));
  return { waitId, path, values, missing: missingOf(askedBy({ request }), values) };
}

function oneOf(asking: readonly OpenWait[], path: string | undefined): OpenWait | null {
  if (path !== undefined) return asking.find((one) => one.path === path) ?? null;
  return asking.length === 1 ? (asking[0] ?? null) : null;
}

/** @throws AnswerInvalid where one of them is not asked for, or is no answer */
function checked(id: string, entities: readonly EntityRule[], values: AnswerTask['values']): EntityValues {
  const work = new PatternWork();
  for (const [name, value] of Object.entries(values)) {
    const entity = entities.find((one) => one.name === name);
    const known = entities.map((one) => one.name).join(', ');
    const fault =
      entity === undefined ? `"${name}" is not asked for; what is: ${known}.` : answerFault(entity, value, work);
    if (fault !== null) throw new AnswerInvalid(id, fault);
  }
  // Each is a text, a number or a boolean now.
  return values as EntityValues;
}
