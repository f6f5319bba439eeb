import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type Expression, type ExpressionBuilder, expressionBuilder, type SqlBool } from 'kysely';
import type { ArtifactId, TaskId, TraceId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import { THINKING_PROCESS } from '../../domain/thinking/states.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import { anyOf, literal, now } from '../../entities/common-expressions.ts';
import { type Tables, tables } from '../../entities/tables.ts';
import type { StoredResult } from '../../entities/thinking/tool-call.ts';

/** What one trace takes over from another. */
export interface TakenOver {
  /** The trace that it is taken from, and the task of that trace. */
  readonly from: { readonly taskId: TaskId; readonly traceId: TraceId };
  /** The trace that takes it. Nothing of it has been written. */
  readonly to: { readonly taskId: TaskId; readonly traceId: TraceId };
  /** The runs that are taken whole. All have ended. */
  readonly paths: readonly RunPath[];
  /** The thinking run of which the steps before this one are taken; null for none. */
  readonly half: HalfRun | null;
}

/** A thinking run that continues with this step. */
export interface HalfRun {
  readonly path: RunPath;
  readonly step: number;
}

/**
 * Copies ended runs into a trace that has yet to be opened: with their outputs, their calls and their events, so that nothing
 * is read from the origin any more. What was paid stays with the trace that paid. Of a run that is taken in half, the row
 * says that it runs, as of any thinking run between two steps. A trace takes over once: who calls knows whether it has.
 * @returns how many events the trace has now, which begin with number 2
 */
export async function takeOverRuns(
  em: SqlEntityManager,
  taken: TakenOver,
  { events }: { readonly events: boolean },
): Promise<number> {
  if (taken.from.taskId !== taken.to.taskId) await copyArtifacts(em, taken);
  const copied = await copyRuns(em, taken);
  if (copied < taken.paths.length) throw new Error('Retention removed runs of the trace meanwhile. Try it again.');
  if (taken.half !== null) await openHalf(em, taken, taken.half);
  await copyModelCalls(em, taken);
  await copyToolCalls(em, taken);
  return events ? copyEvents(em, taken) : 0;
}

const eb = expressionBuilder<Tables, never>();

function uuidOf<Id>(value: Id) {
  return eb.cast<Id>(eb.val(value), 'uuid');
}

/** The id of an artifact in the task that takes over: the same artifact, or its copy. */
function idOf({ from, to }: TakenOver, artifactId: Expression<ArtifactId | null>) {
  if (from.taskId === to.taskId) return eb.cast<ArtifactId | null>(artifactId, 'uuid');
  const text = eb.fn<string>('concat', [eb.cast(eb.val(to.traceId), 'text'), eb.cast(artifactId, 'text')]);
  const id = eb.cast<ArtifactId>(eb.fn('md5', [text]), 'uuid');
  return eb.case().when(artifactId, 'is not', null).then(id).end().$castTo<ArtifactId | null>();
}

/** The copies belong to the task that takes over, and stay for as long as it does. */
async function copyArtifacts(em: SqlEntityManager, taken: TakenOver): Promise<void> {
  const { from, to } = taken;
  await tables(em)
    .insertInto('artifacts')
    .columns(['id', 'tenantId', 'taskId', 'name', 'mediaType', 'sha256', 'sizeBytes', 'content'])
    .expression((db) =>
      db
        .selectFrom('artifacts as a')
        .where('a.taskId', '=', from.taskId)
        .where((a) => a.or([a('a.id', 'in', outputsOf(em, taken)), a('a.id', 'in', resultsOf(em, taken))]))
        .select((a) => [
          idOf(taken, a.ref('a.id')).$castTo<ArtifactId>().as('id'),
          'a.tenantId',
          uuidOf(to.taskId).as('taskId'),
        ])
        .select((a) => a.fn<string>('regexp_replace', ['a.name', literal('^[^/]+'), literal('fork')]).as('name'))
        .select(['a.mediaType', 'a.sha256', 'a.sizeBytes', 'a.content']),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

function outputsOf(em: SqlEntityManager, { from, paths }: TakenOver) {
  return tables(em)
    .selectFrom('agent_runs as r')
    .leftJoin('agent_runs as k', (join) =>
      join.onRef('k.traceId', '=', 'r.traceId').onRef('k.nodeId', '=', 'r.outputOf'),
    )
    .where('r.traceId', '=', from.traceId)
    .where('r.nodeId', '=', anyOf(paths))
    .select((r) => r.fn.coalesce('r.outputArtifactId', 'k.outputArtifactId').$castTo<ArtifactId>().as('id'));
}

function resultsOf(em: SqlEntityManager, taken: TakenOver) {
  return tables(em)
    .selectFrom('tool_calls as c')
    .where('c.traceId', '=', taken.from.traceId)
    .where((c) => isTaken(c, taken))
    .select((c) => c.cast<ArtifactId>(artifactOf(c), 'uuid').as('id'));
}

type OfCall = ExpressionBuilder<Tables & { c: Tables['tool_calls'] }, 'c'>;

function artifactOf(c: OfCall): Expression<string | null> {
  return c.fn<string | null>('jsonb_extract_path_text', ['c.result', literal('artifactId')]);
}

/** The keeper of an output may not be taken over with it: the copy keeps its own. */
async function copyRuns(em: SqlEntityManager, taken: TakenOver): Promise<number> {
  const { from, to, paths } = taken;
  const copied = await tables(em)
    .insertInto('agent_runs')
    .columns(['id', 'traceId', 'takenFrom', 'finishedAt', 'output', 'outputArtifactId', ...RUN_COLUMNS])
    .expression((db) =>
      db
        .selectFrom('agent_runs as r')
        .leftJoin('agent_runs as k', (join) =>
          join.onRef('k.traceId', '=', 'r.traceId').onRef('k.nodeId', '=', 'r.outputOf'),
        )
        .where('r.traceId', '=', from.traceId)
        .where('r.nodeId', '=', anyOf(paths))
        .select((r) => [
          r.fn<string>('gen_random_uuid').as('id'),
          uuidOf(to.traceId).as('traceId'),
          r.fn.coalesce('r.takenFrom', 'r.traceId').as('takenFrom'),
          now().as('finishedAt'),
          r.fn.coalesce('r.output', 'k.output').as('output'),
          idOf(taken, r.fn.coalesce('r.outputArtifactId', 'k.outputArtifactId')).as('outputArtifactId'),
          ...RUN_COLUMNS.map((name) => `r.${name}` as const),
        ]),
    )
    .executeTakeFirst();
  return Number(copied.numInsertedOrUpdatedRows ?? 0);
}

const RUN_COLUMNS = [
  ...(['tenantId', 'nodeId', 'agent', 'kind', 'status', 'attempts', 'failures', 'outcome'] as const),
  ...(['errorCode', 'errorText'] as const),
] as const;

async function openHalf(em: SqlEntityManager, { from, to }: TakenOver, { path }: HalfRun): Promise<void> {
  await tables(em)
    .insertInto('agent_runs')
    .columns([
      ...(['id', 'traceId', 'takenFrom', 'tenantId', 'nodeId', 'agent', 'kind', 'status', 'attempts'] as const),
      ...(['startedAt', 'workflowRun', 'activityAttempt', 'workerId'] as const),
    ])
    .expression((db) =>
      db
        .selectFrom('agent_runs as r')
        .where('r.traceId', '=', from.traceId)
        .where('r.nodeId', '=', path)
        .select((r) => [
          r.fn<string>('gen_random_uuid').as('id'),
          uuidOf(to.traceId).as('traceId'),
          r.fn.coalesce('r.takenFrom', 'r.traceId').as('takenFrom'),
          ...(['r.tenantId', 'r.nodeId', 'r.agent', 'r.kind'] as const),
          literal('running').as('status'),
          r.lit(1).as('attempts'),
          now().as('startedAt'),
        ])
        // As `runBegan` notes the one attempt of a thinking run.
        .select((r) => [
          literal(THINKING_PROCESS).as('workflowRun'),
          r.lit(1).as('activityAttempt'),
          literal(THINKING_PROCESS).as('workerId'),
        ]),
    )
    .execute();
}

/** Whether a call belongs to what is taken over. */
function isTaken(
  c: ExpressionBuilder<Tables & { c: Tables['model_calls'] | Tables['tool_calls'] }, 'c'>,
  taken: TakenOver,
) {
  const whole = c('c.path', '=', anyOf(taken.paths));
  if (taken.half === null) return whole;
  return c.or([whole, c.and([c('c.path', '=', taken.half.path), c('c.step', '<', taken.half.step)])]);
}

async function copyModelCalls(em: SqlEntityManager, taken: TakenOver): Promise<void> {
  const { from, to } = taken;
  await tables(em)
    .insertInto('model_calls')
    .columns(['traceId', 'taskId', 'takenFrom', 'finishedAt', ...MODEL_COLUMNS])
    .expression((db) =>
      db
        .selectFrom('model_calls as c')
        .where('c.traceId', '=', from.traceId)
        .where('c.state', '=', literal('done'))
        .where((c) => isTaken(c as never, taken))
        .select((c) => [
          uuidOf(to.traceId).as('traceId'),
          uuidOf(to.taskId).as('taskId'),
          c.fn.coalesce('c.takenFrom', 'c.traceId').as('takenFrom'),
          now().as('finishedAt'),
          ...MODEL_COLUMNS.map((name) => `c.${name}` as const),
        ]),
    )
    .execute();
}

/** All but what was paid, and how often it was tried: both belong to the trace that made the call. */
const MODEL_COLUMNS = [
  ...(['tenantId', 'path', 'step', 'agent', 'model', 'provider', 'state', 'requestHash', 'claim', 'process'] as const),
  ...(['answer', 'fault', 'keySource', 'context'] as const),
] as const;

async function copyToolCalls(em: SqlEntityManager, taken: TakenOver): Promise<void> {
  const { from, to } = taken;
  await tables(em)
    .insertInto('tool_calls')
    .columns(['traceId', 'taskId', 'takenFrom', 'finishedAt', 'result', ...TOOL_COLUMNS])
    .expression((db) =>
      db
        .selectFrom('tool_calls as c')
        .where('c.traceId', '=', from.traceId)
        .where('c.state', 'in', (['done', 'failed', 'denied'] as const).map(literal))
        .where((c) => isTaken(c as never, taken))
        .select((c) => [
          uuidOf(to.traceId).as('traceId'),
          uuidOf(to.taskId).as('taskId'),
          c.fn.coalesce('c.takenFrom', 'c.traceId').as('takenFrom'),
          now().as('finishedAt'),
          resultIn(taken, c as never).as('result'),
          ...TOOL_COLUMNS.map((name) => `c.${name}` as const),
        ]),
    )
    .execute();
}

const TOOL_COLUMNS = [
  ...(['tenantId', 'path', 'step', 'index', 'agent', 'tool', 'callId', 'arguments', 'digest', 'state'] as const),
  ...(['attempts', 'decision'] as const),
] as const;

/** A result with the artifact of the task that takes over. */
function resultIn(taken: TakenOver, c: OfCall) {
  const id = idOf(taken, c.cast<ArtifactId | null>(artifactOf(c), 'uuid'));
  const own = c.fn('jsonb_build_object', [literal('artifactId'), id]);
  const moved = c.fn<StoredResult>('jsonb_concat', [c.ref('c.result'), own]);
  return c.case().when(artifactOf(c), 'is not', null).then(moved).else(c.ref('c.result')).end();
}

/** The events of what is taken over, in their order, behind the first one of the trace. @returns how many they are */
async function copyEvents(em: SqlEntityManager, taken: TakenOver): Promise<number> {
  const { from, to } = taken;
  const copied = await tables(em)
    .insertInto('trace_events')
    .columns(['traceId', 'seq', 'tenantId', 'type', 'nodeId', 'data'])
    .expression((db) =>
      db
        .selectFrom('trace_events as e')
        .where('e.traceId', '=', from.traceId)
        .where((e) => happenedIn(e, taken))
        .select((e) => [
          uuidOf(to.traceId).as('traceId'),
          e(
            e.cast<number>(
              e.fn.agg('row_number').over((over) => over.orderBy('e.seq')),
              'integer',
            ),
            '+',
            e.lit(1),
          ).as('seq'),
          ...(['e.tenantId', 'e.type', 'e.nodeId', 'e.data'] as const),
        ]),
    )
    .executeTakeFirst();
  return Number(copied.numInsertedOrUpdatedRows ?? 0);
}

function happenedIn(
  e: ExpressionBuilder<Tables & { e: Tables['trace_events'] }, 'e'>,
  { paths, half }: TakenOver,
): Expression<SqlBool> {
  const whole = e('e.nodeId', '=', anyOf(paths));
  if (half === null) return whole;
  const step = e.cast<number>(e.fn<Json>('jsonb_extract_path_text', ['e.data', literal('step')]), 'integer');
  const before = e.or([e('e.type', '=', literal('run.started')), e(step, '<', half.step)]);
  return e.or([whole, e.and([e('e.nodeId', '=', half.path), before])]);
}
