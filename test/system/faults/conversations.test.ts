import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Muster } from '../../../index.ts';
import { withPostgresql } from '../../../servers/probe/probes.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { type Sink, startSink } from '../../support/sink.ts';
import { WorkerProcess } from '../../support/worker-process.ts';

const MODULE = fileURLToPath(new URL('./conversation-graphs.ts', import.meta.url));
const CONVERSATIONS = ['a', 'b', 'c', 'd'];
const INPUTS = 6;
/** How long a worker lives before it is killed, and how many are. */
const LIFE_MS = 2_500;
const DEATHS = 4;

interface TurnRow {
  readonly conversation_id: string;
  readonly number: number;
  readonly state: string;
  readonly reply: string;
  readonly overlaps: boolean;
}

describe('conversations whose workers die', function () {
  this.timeout(300_000);
  let muster: MusterUnderTest;
  let client: Muster;
  let sink: Sink;
  const workers: WorkerProcess[] = [];

  before(async () => {
    sink = await startSink();
    muster = await openMuster('conversation faults');
    client = muster.client;
  });
  after(async () => {
    await Promise.all(workers.map((worker) => worker.close()));
    await muster?.close();
    await sink?.close();
  });

  async function spawn(failpoints?: string): Promise<WorkerProcess> {
    const worker = await WorkerProcess.start({
      ...{ environment: muster.environment, module: MODULE, folder: muster.stack.folder },
      ...(failpoints === undefined ? {} : { failpoints }),
      more: { MUSTER_FAULT_SINK: sink.url },
    });
    workers.push(worker);
    return worker;
  }

  const say = (id: string, index: number) =>
    client.conversation(id).say(`input ${index}`, { graph: 'fault-talk', key: `k${index}` });
  const turnRows = () =>
    withPostgresql(muster.ownerUrl, async (server) => {
      const { rows } = await server.query(`
        select c.conversation_id, c.number, c.state, c.reply, t.started_at < lag(t.completed_at) over (
          partition by c.conversation_id order by c.number) as overlaps
        from muster.conversation_turns c join muster.tasks t on t.id = c.task_id order by 1, 2`);
      return rows as TurnRow[];
    });

  it('continue where a worker died between the end of a turn and what follows from it', async () => {
    const doomed = await spawn('after_end_before_report:kill:1');
    const first = await say('end', 1);
    const second = await say('end', 2);
    assert.equal((await doomed.ended).signal, 'SIGKILL');

    const other = await spawn();
    const turns = [await first.answer(), await second.answer()];
    await other.close();

    assert.deepEqual(
      turns.map(({ state, reply }) => [state, reply]),
      [
        ['answered', 'input 1 after 0'],
        ['answered', 'input 2 after 2'],
      ],
    );
  });

  it('give every input exactly one turn, in order and one at a time, however often workers are killed', async () => {
    const said = CONVERSATIONS.flatMap((id) => Array.from({ length: INPUTS }, (_, index) => ({ id, index })));
    let current = await spawn();
    const appending = (async () => {
      for (const { id, index } of said.toSorted((one, other) => one.index - other.index)) {
        // Said twice, as by a program that did not hear the answer.
        await Promise.all([say(id, index), say(id, index)]);
        await pause(LIFE_MS / 20);
      }
    })();
    let amidWork = 0;
    for (let death = 0; death < DEATHS; death += 1) {
      await pause(LIFE_MS);
      if ((await turnRows()).some(({ state }) => state === 'running')) amidWork += 1;
      current.signal('SIGKILL');
      await current.ended;
      current = await spawn();
    }
    await appending;
    for (const id of CONVERSATIONS) await (await say(id, INPUTS - 1)).answer();

    const rows = (await turnRows()).filter(({ conversation_id: id }) => id !== 'end');
    const record = await sink.record();
    assert.ok(amidWork > 0, 'expected a turn to be under way when a worker died');
    assert.equal(rows.length, said.length);
    assert.deepEqual(
      rows.map(({ conversation_id: id, number, state, reply }) => [id, number, state, reply]),
      said.map(({ id, index }) => [id, index + 1, 'answered', `input ${index} after ${Math.min(15, index * 2)}`]),
    );
    assert.equal(
      rows.some(({ overlaps }) => overlaps),
      false,
    );
    for (const { id, index } of said) assert.equal(record.effectsOn(`${id}/${index + 1}`), 1, `${id}/${index + 1}`);
  });
});
