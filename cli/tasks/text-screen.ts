import type { TextEvent } from '../../client.ts';
import { plain, plainPiece } from '../output/formatting.ts';
import type { Output } from '../output/output.ts';

const REMARKS = {
  'text.restarted': 'begins anew',
  'text.missed': 'the rest follows when the answer is complete',
  'text.failed': 'has no answer',
} as const;

/** Shows on a terminal what models say, as it comes. Each call has a line above it that names it. */
export class TextScreen {
  readonly #output: Pick<Output, 'piece' | 'colors'>;
  /** The call whose text was shown last. */
  #call = '';
  #isMidLine = false;

  constructor(output: Pick<Output, 'piece' | 'colors'>) {
    this.#output = output;
  }

  show(event: TextEvent): void {
    if (event.type === 'text.completed') {
      this.endLine();
      return;
    }
    this.#name(event);
    if (event.type === 'text.added') this.#write(plainPiece(event.text));
    else this.#line(event.type === 'tool.asked' ? `calls ${plain(event.tool)}` : REMARKS[event.type]);
  }

  /** What is printed next begins a line. */
  endLine(): void {
    if (this.#isMidLine) this.#write('\n');
  }

  #name({ path, step }: TextEvent): void {
    const call = `${plain(path)}, step ${step}`;
    if (call === this.#call) return;
    this.#call = call;
    this.#line(`${call}:`);
  }

  #line(text: string): void {
    this.endLine();
    this.#write(`${this.#output.colors.dim(text)}\n`);
  }

  #write(text: string): void {
    this.#output.piece(text);
    if (text !== '') this.#isMidLine = !text.endsWith('\n');
  }
}
