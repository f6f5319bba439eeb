/** What every chat reader yields for one message, before names are settled and replies are linked. */
export interface Message {
  /** First line of the source that carries the text. */
  readonly line: number;
  readonly lastLine: number;
  readonly speaker: string | null;
  readonly time: string | null;
  readonly text: string;
  readonly automated: boolean;
  /** The text stands for something without words, such as a sticker. */
  readonly wordless?: boolean | undefined;
  /** To whom alone it was sent. */
  readonly directTo?: string | undefined;
  /** Id by which other messages may refer to this one, where the source has such ids. */
  readonly id?: string | undefined;
  readonly repliesTo?: string | undefined;
  readonly section?: string | undefined;
  readonly checked?: boolean | undefined;
}
