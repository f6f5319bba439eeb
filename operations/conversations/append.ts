import {
  BUSY_POLICIES,
  type BusyPolicy,
  type CancelledTurnState,
  endFor,
} from '../../domain/conversations/turn-state.ts';
import type { TaskId } from '../../domain/ids.ts';
import {
  type ConversationKey,
  type ConversationRecord,
  ConversationRepository,
} from '../../entities/conversations/conversation-repository.ts';
import {
  ConversationTurnRepository,
  type TurnRecord,
} from '../../entities/conversations/conversation-turn-repository.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import type { WaitingJob } from '../../entities/tasks/waiting-job.ts';
import { oneOf } from '../../options/fields.ts';
import { audit } from '../audit.ts';
import { spawnBelow } from '../budgets/spawn-tasks.ts';
import { actorOf, userOf } from '../caller.ts';
import { type CallInUnit, defineOperation } from '../define.ts';
import { type AskedToEnd, hurryEnd } from '../tasks/cancel.ts';
import { actingFor } from '../tasks/delegation.ts';
import { enqueueJobs } from '../tasks/enqueue-jobs.ts';
import { requireTask } from '../tasks/read.ts';
import { name } from '../tasks/task-fields.ts';
import { ConversationBusy, InputKeyConflict } from './conversation-errors.ts';
import { conversationId, inputText } from './conversation-fields.ts';
import { keyOf } from './conversation-turns.ts';

/** The graph of a conversation that was begun without one. */
const DEFAULT_GRAPH = 'conversation-turn';

/** How an input is appended. */
export interface AppendOptions {
  /**
   * Makes a repetition harmless: the same key in the same conversation is the same input, for as long as the conversation
   * is there. 1 to 255 characters.
   */
  readonly key?: string;
  /**
   * The graph that carries out this turn and those after it; of an input that an agent's tool appends, this turn only.
   * @defaultValue that of the turn before, or conversation-turn
   */
  readonly graph?: string;
  /** Who says it. @defaultValue the user on whose behalf the caller acts, or the one of the task from a node of which it comes */
  readonly user?: string;
  /** What becomes of it where a turn runs: see {@link BUSY_POLICIES}. @defaultValue 'enqueue' */
  readonly onBusy?: BusyPolicy;
}

export interface AppendInput extends AppendOptions {
  readonly conversation: string;
  /** 1 to 100,000 characters. */
  readonly input: string;
}

/** An input that is in its conversation. */
export interface AppendedInput extends Pick<TurnRecord, 'state' | 'taskId'> {
  readonly conversation: string;
  /** Its number in the conversation, from 1. */
  readonly turn: number;
  /** How many turns are to end before this one begins. */
  readonly ahead: number;
  /** Whether it had been appended before, under the same key. */
  readonly duplicate: boolean;
}

export const appendInput = defineOperation({
  name: 'conversations.append',
  summary: 'Says something in a conversation, which has its turn when those before it have ended.',
  effect: 'write',
  risk: 'external_write',
  permission: 'conversations:write',
  limit: 'submit',
  costs: ({ user }: AppendInput) => (user === undefined ? {} : { user }),
  unit: 'none',
  input: {
    conversation: conversationId,
    input: inputText,
    key: name,
    graph: name,
    user: name,
    onBusy: oneOf(BUSY_POLICIES).optional(),
  },
  async handle(call, input: AppendInput) {
    const { caller, stores } = call;
    const { appended, jobs, asked } = await stores.database.inTenant(caller.tenant, ({ em }) =>
      append({ ...call, em }, input),
    );
    // Only hints: the outbox has a row for each of them.
    await Promise.allSettled([enqueueJobs(stores.queueFor, jobs), ...asked.map((task) => hurryEnd(call, task))]);
    return appended;
  },
});

/** What was written, and whom to tell of it after the commit. */
interface Appended {
  readonly appended: AppendedInput;
  readonly jobs: readonly WaitingJob[];
  readonly asked: readonly AskedToEnd[];
}

/** Where an input is appended: to a conversation whose row is locked. */
interface Place extends CallInUnit {
  readonly key: ConversationKey;
  readonly turns: ConversationTurnRepository;
}

async function append(call: CallInUnit, input: AppendInput): Promise<Appended> {
  const { em, stores } = call;
  const { conversation: id, onBusy = 'enqueue' } = input;
  const speaker = await speakerOf(call, input);
  const known = await lockedConversation(call, input, speaker);
  const place = { ...call, key: keyOf(known), turns: new ConversationTurnRepository(em) };
  const repeated = await repetitionOf(place, input);
  if (repeated !== null) return repeated;
  // A turn whose task has just ended is no reason to wait.
  const overdue = await stores.turns.advance(em, place.key);
  const [running] = await place.turns.open(place.key, 1);
  if (running !== undefined && onBusy === 'reject') throw new ConversationBusy(id, running.number);
  const number = known.turnCount + 1;
  // Before budgets are locked: an end locks its task before them.
  const asked = running === undefined ? [] : await makeWay(place, running, endFor(onBusy));
  await write(place, known, { ...input, ...speaker, number });
  const next = await stores.turns.advance(em, place.key);
  const jobs = [overdue, next].filter((job) => job !== null);
  return { appended: await appendedAs(place, number, false), jobs, asked };
}

/** Who says something, on whose behalf, and the task from a node of which it comes. */
interface Speaker {
  readonly user: string | null;
  readonly actsFor: readonly string[];
  readonly parent: TaskId | null;
}

async function speakerOf({ em, caller }: CallInUnit, given: Pick<AppendInput, 'user'>): Promise<Speaker> {
  const { task: parent, agent } = caller;
  const { user = userOf(caller) ?? null } = given;
  if (parent === undefined) return { user, actsFor: [], parent: null };
  const above = await requireTask(em, caller.tenant, parent);
  const actsFor = await actingFor(em, { parent, ...(agent && { agent }) });
  return { user: user ?? above.user, actsFor, parent };
}

/** What an agent appends decides on its own turn only, and not on the graph of those of others. */
const isDelegated = ({ actsFor }: Pick<Speaker, 'actsFor'>) => actsFor.length > 0;

async function lockedConversation(
  { em, caller }: CallInUnit,
  { conversation: id, graph = DEFAULT_GRAPH }: AppendInput,
  speaker: Speaker,
): Promise<ConversationRecord> {
  const { tenant: tenantId } = caller;
  const conversations = new ConversationRepository(em);
  await new TaskRepository(em).ensureTenant(tenantId);
  const graphName = isDelegated(speaker) ? DEFAULT_GRAPH : graph;
  for (;;) {
    await conversations.ensure({ tenantId, id, graphName, userId: speaker.user });
    const conversation = await conversations.lock({ tenantId, conversationId: id });
    // Retention removed it between the two: the next one is ours.
    if (conversation !== null) return conversation;
  }
}

type Spoken = Omit<AppendInput, 'user'> & Speaker & { readonly number: number };

/** Writes the input, once it is certain that its turn can begin. A task that appends it spawns its turn. */
async function write(
  { em, key, turns, ...call }: Place,
  conversation: ConversationRecord,
  given: Spoken,
): Promise<void> {
  const { number, input: text, graph: graphName = conversation.graphName, user, actsFor, parent } = given;
  const turn = { number, text, graphName, user, actsFor };
  await call.stores.turns.prepare(em, key, { ...turn, lineage: null });
  const lineage = parent === null ? null : await spawnBelow(em, parent, 1);
  await turns.insert(key, { ...turn, lineage, key: given.key ?? null });
  const next = isDelegated(given) ? conversation.graphName : graphName;
  await new ConversationRepository(em).note(key, { graphName: next, turnCount: number });
  const subject = { subjectType: 'conversation', subjectId: conversation.id };
  await audit(em, call, { action: 'conversation.appended', ...subject, details: { turn: number } });
}

/** Cancels the turn that runs, where that is wanted. @returns its task; nothing where it had just ended */
async function makeWay(
  { em, caller, key, turns }: Place,
  { number, taskId }: TurnRecord,
  endsAs: CancelledTurnState | null,
): Promise<readonly AskedToEnd[]> {
  if (endsAs === null || taskId === null) return [];
  await turns.askToEnd(key, number, endsAs);
  const task = await requireTask(em, caller.tenant, taskId);
  const wish = { actor: actorOf(caller), code: 'task_cancelled', reason: MADE_WAY } as const;
  const asked = await new TaskRepository(em).cancel(task.id, wish);
  return asked === null ? [] : [{ task, ended: asked.ended }];
}

const MADE_WAY = 'A later input of its conversation took its place.';

/** What was appended under the key before; null where nothing was. @throws InputKeyConflict */
async function repetitionOf(place: Place, { conversation, input, key }: AppendInput): Promise<Appended | null> {
  const known = key === undefined ? null : await place.turns.ofKey(place.key, key);
  if (known === null) return null;
  if (known.text !== input) throw new InputKeyConflict(key ?? '', conversation, known.number);
  return { appended: await appendedAs(place, known.number, true), jobs: [], asked: [] };
}

async function appendedAs({ key, turns }: Place, number: number, duplicate: boolean): Promise<AppendedInput> {
  const turn = await turns.find(key, number);
  if (turn === null) throw new Error('A turn that was written is not there.');
  const ahead = turn.state === 'queued' ? await turns.ahead(key, number) : 0;
  return { conversation: key.conversationId, turn: number, state: turn.state, taskId: turn.taskId, ahead, duplicate };
}
