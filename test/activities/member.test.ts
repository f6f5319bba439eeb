import assert from 'node:assert/strict';
import { Member } from '../../activities/shared/member.ts';
import { Breath } from '../../activities/tasks/breath.ts';
import { stretchFrom } from '../../activities/tasks/stretch.ts';
import { startGraph } from '../../domain/graphs/graph-state.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { Script } from '../system/acceptance/script.ts';

const { definition } = scriptedGraphs(new Script()).swift;
const NOTHING = { isCancelled: false, isLate: false, isPaused: false, isApart: false };

describe('a member of a shared execution', () => {
  let member: Member;

  beforeEach(() => {
    const stretch = stretchFrom({
      ...{ definition, state: startGraph(definition), unhosted: [], tries: 1, runs: [] },
      values: { task: null, outputs: new Map() },
      reads: { task: true, paths: [] },
    });
    member = new Member({
      ...{ deps: {} as never, execution: {} as never, hasDeadline: false, stretch },
      breath: new Breath(),
      tries: 1,
    });
  });

  it('takes no step while its row says paused, and may continue once it does not', () => {
    member.heed({ ...NOTHING, isPaused: true });
    const whilePaused = [member.stopped, member.mayContinue];
    member.heed(NOTHING);

    assert.deepEqual(whilePaused, ['paused', false]);
    assert.deepEqual([member.stopped, member.mayContinue], [null, true]);
    assert.equal(member.cancellation.aborted, false);
  });

  it('stays stopped by anything else, whatever its row says later', () => {
    member.heed({ ...NOTHING, isPaused: true });
    member.heed({ ...NOTHING, isPaused: true, isCancelled: true });
    member.heed(NOTHING);

    assert.deepEqual([member.stopped, member.cancellation.aborted], ['cancelled', true]);
  });

  it('leaves once an earlier worker is alive, and lets its handler finish', () => {
    member.heed({ ...NOTHING, isApart: true });
    member.heed(NOTHING);

    assert.deepEqual([member.stopped, member.mayContinue, member.cancellation.aborted], ['leaving', false, false]);
  });

  it('leaves when its rows were refused, whatever it is asked later', () => {
    member.heed({ ...NOTHING, isPaused: true });
    member.refuse();
    member.heed(NOTHING);

    assert.deepEqual([member.stopped, member.mayContinue], ['leaving', false]);
  });
});
