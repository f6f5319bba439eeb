import { MAX_DOCUMENT_LENGTH } from '../../domain/graphs/documents/parse-document.ts';
import { VERSION_LIMITS } from '../../domain/graphs/kinds.ts';
import { text, wholeNumber } from '../../options/fields.ts';

/** A text that says graphs, as YAML or JSON. */
export const documentText = text({ max: MAX_DOCUMENT_LENGTH });

/** The number of a version of a graph. */
export const versionNumber = wholeNumber(VERSION_LIMITS);
