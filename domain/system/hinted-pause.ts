/** A wait that a hint can end early. A hint given while nobody waits is kept for the next wait. */
export class HintedPause {
  #hinted = false;
  #end: (() => void) | null = null;

  /** Ends the present wait, or the next one at once. */
  hint(): void {
    this.#hinted = true;
    this.#end?.();
  }

  /** Waits for a hint, at most this long. */
  async wait(milliseconds: number): Promise<void> {
    if (!this.#hinted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.#end = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#end = null;
    this.#hinted = false;
  }
}
