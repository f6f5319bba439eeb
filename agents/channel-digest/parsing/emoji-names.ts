const EMOJI_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '+1': '👍',
    thumbsup: '👍',
    '-1': '👎',
    thumbsdown: '👎',
    tada: '🎉',
    heart: '❤️',
    smile: '😄',
    white_check_mark: '✅',
    eyes: '👀',
    fire: '🔥',
    cry: '😢',
    sob: '😭',
    rocket: '🚀',
  }),
);

/** Slack writes `:tada:` where people saw 🎉; names that are not known stay. */
export function emojiFromNames(text: string): string {
  return text.replace(/:([a-z_+\-\d]{1,40}):/g, (whole, name: string) => EMOJI_NAMES.get(name) ?? whole);
}
