/** Beyond it the oldest is forgotten, and stays charged as estimated. */
const MAX_RESERVATIONS = 10_000;

/** The reservations that a process made without Redis. */
export class LocalReservations {
  /** What each set aside; null once it is settled. */
  readonly #reservations = new Map<string, number | null>();

  /** Whether it stands, settled or not. */
  has(id: string): boolean {
    return this.#reservations.has(id);
  }

  /** A known one stays as it is. */
  add(id: string, tokens: number): void {
    if (this.#reservations.has(id)) return;
    this.#reservations.set(id, tokens);
    const oldest = this.#reservations.keys().next().value;
    if (this.#reservations.size > MAX_RESERVATIONS && oldest !== undefined) this.#reservations.delete(oldest);
  }

  /** What it had set aside, once; then `repeated`. `unknown` where another process made it. */
  settle(id: string): { readonly reserved: number } | 'repeated' | 'unknown' {
    const reserved = this.#reservations.get(id);
    if (reserved === undefined) return 'unknown';
    if (reserved === null) return 'repeated';
    this.#reservations.set(id, null);
    return { reserved };
  }
}
