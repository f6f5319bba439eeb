import { type Built, type Places, type Shape, Statement } from '../statements/statement.ts';
import { NO_TRACE, TRACE, type TraceParts } from './event-rows.ts';

/** A statement in its two forms: one that writes the trace, and one that leaves it out. */
export function traced<Of extends Shape, Row>(
  given: Of,
  build: (places: Places<Of>, trace: TraceParts) => Built<Row>,
): (trace: TraceParts) => Statement<Of, Row> {
  const written = new Statement(given, (places) => build(places, TRACE));
  const leftOut = new Statement(given, (places) => build(places, NO_TRACE));
  return (trace) => (trace === TRACE ? written : leftOut);
}
