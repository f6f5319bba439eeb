import { MusterError } from '../../domain/errors.ts';

/** The tenant has no run of an evaluation set under this id. */
export class EvalUnknown extends MusterError {
  readonly code = 'eval_unknown';
  constructor(id: string, tenant: string) {
    super(`The tenant "${tenant}" has no evaluation ${id}. \`muster eval\` lists them.`, { id, tenant });
  }
}

/** What a version has to score before it may be activated. */
export interface Requirement {
  readonly eval: string;
  readonly scorer: string;
  readonly atLeast: number;
}

/** A version may not be activated before an evaluation of it has this score. It stays what it was: a new one is a draft. */
export class ScoreMissing extends MusterError {
  readonly code = 'score_missing';
  constructor(graph: string, version: number, { eval: name, scorer, atLeast }: Requirement) {
    super(
      `Version ${version} of "${graph}" is not activated: it needs ${atLeast} from ${scorer} in the evaluation ${name}, which has not been completed for it with the cases and scorers that it had when the score was required. ` +
        `Run \`muster eval ${name} --graph-version ${version} --wait\`; if the evaluation has been changed since, \`graphs.require\` again takes it as it ran last.`,
      { graph, version, eval: name, scorer, atLeast },
    );
  }
}

/** The last completed evaluation of a version has a lower score than is required to activate it. It stays what it was. */
export class ScoreTooLow extends MusterError {
  readonly code = 'score_too_low';
  constructor(graph: string, version: number, { eval: name, scorer, atLeast }: Requirement, score: number) {
    super(
      `Version ${version} of "${graph}" is not activated: it has ${round(score)} from ${scorer} in the evaluation ${name}, and needs ${atLeast}. ` +
        'Improve it and publish another version, or change the requirement.',
      { graph, version, eval: name, scorer, atLeast, score },
    );
  }
}

function round(score: number): number {
  // A score below the requirement never looks equal to it.
  return Math.floor(score * 1_000) / 1_000;
}
