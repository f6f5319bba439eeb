/** What happened in a run, in order, to find out why it failed. */
export class RunLog {
  readonly #startedAt = performance.now();
  readonly #lines: string[] = [];
  readonly #violations: string[] = [];
  /** Set when the run is being taken down, and what ends then ends as it should. */
  over = false;

  note(text: string): void {
    this.#lines.push(`${this.#now()} s ${text}`);
  }

  /** Something that must not happen, whatever else goes wrong. */
  violation(text: string): void {
    this.#violations.push(`${this.#now()} s ${text}`);
    this.note(text);
  }

  get violations(): readonly string[] {
    return this.#violations;
  }

  get text(): string {
    return this.#lines.join('\n');
  }

  #now(): string {
    return ((performance.now() - this.#startedAt) / 1_000).toFixed(1).padStart(6);
  }
}
