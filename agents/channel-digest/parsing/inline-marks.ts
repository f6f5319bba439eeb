/** Marks of Slack and Discord inside a text: mentions, channels, links, dates, emoji. */
const MARK = /<([@#!]?)([^<>|\s][^<>|]*)(?:\|([^<>]*))?>/g;

/** A text as people saw it: names for ids, words for links, and Slack's three entities decoded. */
export function withoutMarks(text: string, names: ReadonlyMap<string, string> = new Map()): string {
  return text
    .replace(MARK, (whole, kind: string, target: string, label: string | undefined) => {
      if (kind === '@') return `@${nameOf(target.replace(/^[!&]/, ''), label, names)}`;
      if (kind === '#') return `#${label || target}`;
      if (kind === '!') return special(target, label);
      if (/^(?:https?|mailto|tel|ftp):/i.test(target)) return label || target.replace(/^(?:mailto|tel):/, '');
      return /^a?:\w+:\d+$/.test(target) ? target.replace(/^a?(:\w+:)\d+$/, '$1') : whole;
    })
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .trim();
}

function nameOf(id: string, label: string | undefined, names: ReadonlyMap<string, string>): string {
  return names.get(id) ?? (label ? label.replace(/^@/, '') : id);
}

/** `<!here>`, `<!subteam^S12|@orga>`, `<!date^…|12 March>`. */
function special(target: string, label: string | undefined): string {
  if (label) return label;
  const [kind = '', id] = target.split('^');
  return `@${id ?? kind}`;
}

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
