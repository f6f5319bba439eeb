import { z } from 'zod';
import { defineAgent } from '../../../index.ts';
import { renderReport, sourceText } from '../report/render.ts';
import { type Draft, digest, draft, edition, findings, type Review, review, transcript } from '../schemas.ts';

const MOST_REASONS = 20;
const NO_EDITION = 'no-edition: the models came to no edition that their critic accepts; this is that of the rules';

const input = z.object({
  transcript,
  findings,
  draft,
  review,
  /** What each revision and the review after it gave; null where it was not needed. */
  firstDraft: draft.nullable(),
  firstReview: review.nullable(),
  secondDraft: draft.nullable(),
  secondReview: review.nullable(),
  /** Whether models were asked, and the edition that they came to; null where they came to none. */
  hasModel: z.boolean().default(false),
  edition: edition.nullish(),
});

/** Publishes the last draft that was reviewed, as the artifact `report.md` and as data. */
export const publisher = defineAgent({
  name: 'digest-publisher',
  description: 'Writes the report as Markdown, every statement with its lines, and stores it.',
  input,
  output: digest,
  quick: true,
  async handle(given, context) {
    const chosen = lastReviewed(given);
    const report = renderReport(chosen.draft, sourceText(given.transcript));
    const reportArtifact = await context.writeArtifact({
      name: 'report.md',
      mediaType: 'text/markdown',
      content: report,
    });
    const { answeredQuestions: _, highlights: __, ...found } = given.findings;
    const { format, language, notices, statistics } = given.transcript;
    const summary = chosen.draft.statements.filter(({ section }) => section === 'summary');
    return {
      ...found,
      report,
      reportArtifact,
      summary: summary.map(({ text, lines }) => ({ text, lines })),
      quality: {
        score: chosen.review.score,
        revisions: chosen.revisions,
        reasons: [...reasonTexts(chosen.review), ...(given.hasModel && !given.edition ? [NO_EDITION] : [])],
      },
      notices,
      statistics: { ...statistics, format, language },
    };
  },
});

/** A report on a very long talk may leave out hundreds of things; the first ones show of which kind. */
function reasonTexts({ reasons }: Review): string[] {
  const shown = reasons.slice(0, MOST_REASONS).map(({ code, detail }) => `${code}: ${detail}`);
  return reasons.length > MOST_REASONS ? [...shown, `and ${reasons.length - MOST_REASONS} more`] : shown;
}

interface Reviewed {
  readonly draft: Draft;
  readonly review: Review;
  readonly revisions: number;
}

/** A revision whose review failed is passed over: nothing is published that the critic has not seen. */
function lastReviewed(given: z.infer<typeof input>): Reviewed {
  const { firstDraft, firstReview, secondDraft, secondReview } = given;
  if (given.edition) return { ...given.edition, revisions: given.edition.round };
  if (secondDraft !== null && secondReview !== null) return { draft: secondDraft, review: secondReview, revisions: 2 };
  if (firstDraft !== null && firstReview !== null) return { draft: firstDraft, review: firstReview, revisions: 1 };
  return { draft: given.draft, review: given.review, revisions: 0 };
}
