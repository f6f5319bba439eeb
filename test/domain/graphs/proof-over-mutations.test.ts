import assert from 'node:assert/strict';
import type { GraphDefinition } from '../../../domain/graphs/definition.ts';
import { hasNode } from '../../../domain/graphs/has-node.ts';
import { performerOf } from '../../../domain/graphs/kinds/kind-table.ts';
import type { Happened } from '../../../domain/graphs/proof/proof.ts';
import { prove } from '../../../domain/graphs/proof/prove.ts';
import { nodeOfRun } from '../../../domain/graphs/scope.ts';
import type { Json } from '../../../domain/json.ts';
import { innerInputFault } from '../../../operations/graphs/inner-inputs.ts';
import { compileInputSchema, inputFaults } from '../../../operations/graphs/input-schemas.ts';
import { CarriedTask } from '../support/carried-task.ts';
import { mutated } from '../support/mutated-specs.ts';
import { FIELDS, graphOf, Random, randomSpec, type SpecOf } from '../support/random-specs.ts';

/** `MUSTER_FAULTS=large` measures 200 versions of 20 graphs over 500 tasks each; `MUSTER_PROOF_SEED` draws others. */
const IS_LARGE = process.env.MUSTER_FAULTS === 'large';
const SEED = Number(process.env.MUSTER_PROOF_SEED ?? 20_261_201);
const GRAPHS = IS_LARGE ? 20 : 3;
const VERSIONS = IS_LARGE ? 10 : 5;
const TASKS = IS_LARGE ? 500 : 20;
/** A version breaks a task that none of so many ways to continue completes. */
const TRIALS = 600;

describe('the proof of a version, over mutated versions and parked tasks', function () {
  this.timeout(IS_LARGE ? 3_600_000 : 240_000);

  it(`says of each task what carrying it out from its rows shows (seed ${SEED})`, () => {
    const random = new Random(SEED);
    const counts = { pairs: 0, broken: 0, holding: 0 };
    const wrong: string[] = [];
    for (let graph = 0; graph < GRAPHS; graph += 1) {
      const { spec, tasks } = bed(random, `graph-${graph}`);
      for (let version = 0; version < VERSIONS; version += 1) {
        const { spec: changed, changes } = mutated(spec, random);
        const definition = graphOf(changed).definition;
        for (const [at, task] of tasks.entries()) {
          const { breaks } = prove(definition, task, { stands: 'all', ...CHECKS(definition) });
          const really = isBroken(definition, task, new Random(SEED + at));
          counts.pairs += 1;
          counts[really ? 'broken' : 'holding'] += 1;
          if ((breaks !== null) === really) continue;
          wrong.push(
            `graph ${graph}, version ${version} (${changes.join(', ')}), task ${at}: ${breaks?.path}: ${breaks?.message}`,
          );
        }
      }
    }
    if (IS_LARGE) process.stdout.write(`      ${JSON.stringify(counts)}\n`);
    assert.ok(counts.broken > counts.pairs / 20 && counts.holding > counts.pairs / 20, JSON.stringify(counts));
    assert.deepEqual(wrong.slice(0, 10), [], `${wrong.length} of ${counts.pairs} wrong`);
  });
});

const CHECKS = ({ name, inputSchema: schema }: GraphDefinition) => ({
  checkInner: innerInputFault,
  checkTask: (task: Json) => (schema === null ? null : inputFaults(compileInputSchema({ graph: name, schema }), task)),
});

/** A graph, and tasks of it that it would complete. Of one that completes few, no more is made. */
function bed(random: Random, name: string): { readonly spec: SpecOf; readonly tasks: readonly Happened[] } {
  for (;;) {
    const spec = randomSpec(random, name);
    const { definition } = graphOf(spec);
    const tasks: Happened[] = [];
    for (let tries = 0; tasks.length < TASKS && tries < TASKS * 6; tries += 1) {
      const task = parked(definition, random);
      if (task !== null) tasks.push(task);
    }
    if (tasks.length === TASKS) return { spec, tasks };
  }
}

/** A task of the old version after some of its steps: what waits is what had begun. */
function parked(definition: GraphDefinition, random: Random): Happened | null {
  const task = {
    a: random.below(9),
    n: random.below(9),
    list: Array.from({ length: random.below(3) }, () => output(random, 2)),
  };
  const end = () =>
    random.chance(0.06)
      ? ({ status: 'fatal_error', output: null, error: { code: 'handler_failed', message: 'It failed.' } } as const)
      : ({ status: 'ok', output: output(random, 2), error: null } as const);
  const carried = new CarriedTask(definition, { task, ended: [] }, { random, end });
  const isParked = carried.carry(random.below(25));
  const happened = carried.happened();
  return isParked && prove(definition, happened, { stands: 'all' }).breaks === null ? happened : null;
}

/** What a handler of the old version returns: most of the fields, each of its own type. */
function output(random: Random, depth: number): Json {
  const values: Record<string, Json> = {
    a: random.below(9),
    b: 'text',
    flag: random.chance(0.5),
    n: random.below(9),
    list: depth === 0 ? [] : Array.from({ length: random.below(3) }, () => output(random, depth - 1)),
  };
  return Object.fromEntries(Object.entries(values).filter(() => random.chance(0.9)));
}

/**
 * Whatever a handler may return that is still to come: each field is mostly of the type that readers expect there, and now and
 * then of any other, so that what can be completed is before long.
 */
function anything(random: Random, share: number, name = '', depth = 4): Json {
  const usual = { a: 0, n: 0, flag: 1, b: random.of([0, 2]), list: 3, item: 4 }[name] ?? 4;
  const kind = Math.min(random.chance(share) ? usual : random.below(5), depth === 0 ? random.below(3) : 4);
  if (kind === 0) return random.below(16);
  if (kind === 1) return random.chance(0.5);
  if (kind === 2) return 'text';
  if (kind === 3) return Array.from({ length: random.below(3) }, () => anything(random, share, 'item', depth - 1));
  return Object.fromEntries([...FIELDS, 'o0', '0'].map((field) => [field, anything(random, share, field, depth - 1)]));
}

function isBroken(definition: GraphDefinition, happened: Happened, random: Random): boolean {
  if (CHECKS(definition).checkTask(happened.task) !== null) return true;
  if (happened.open.some((run) => !isIn(definition, run))) return true;
  if (
    happened.ended.some(
      ({ path, kind, status }) =>
        status === 'ok' && hasNode(definition, path) && nodeOfRun(definition, path).kind !== kind,
    )
  )
    return true;
  let [ends, share] = [0, 0];
  const end = () => {
    ends += 1;
    return { status: 'ok', output: anything(random, share), error: null } as const;
  };
  for (let trial = 0; trial < TRIALS; trial += 1) {
    share = [0.97, 0.85, 0.6][trial % 3] ?? 0;
    const carried = new CarriedTask(definition, happened, { random, end });
    carried.carry();
    if (carried.isCompleted()) return false;
    // Nothing was drawn, so no other try comes to anything else.
    if (ends === 0) return true;
  }
  return true;
}

function isIn(definition: GraphDefinition, { path, kind, performer }: Happened['open'][number]): boolean {
  if (!hasNode(definition, path)) return false;
  const node = nodeOfRun(definition, path);
  return node.kind === kind && performerOf(node) === performer;
}
