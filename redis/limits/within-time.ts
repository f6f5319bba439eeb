/**
 * The answer, or null when it takes longer than so many milliseconds; it may come later, and what was asked may have happened. An
 * answer that has already arrived still counts when this process was too busy to read it.
 */
export function withinTime<Answer>(answer: Promise<Answer>, timeoutMs: number): Promise<Answer | null> {
  return new Promise((resolve, reject) => {
    // Timers come before arrivals in a turn of the event loop: one more look at the socket, then it is late.
    const timer = setTimeout(() => setImmediate(resolve, null), timeoutMs);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
