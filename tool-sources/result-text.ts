import type { CallToolResult } from '@modelcontextprotocol/client';
import type { HandlerContext } from '../domain/agents/handler.ts';
import { storableText } from '../domain/json.ts';

type Block = CallToolResult['content'][number];

/** Of images and other bytes of one result that are kept, and of their bytes together. */
const MOST_ARTIFACTS = 32;
const MOST_BYTES = 8_000_000;
const MOST_KEPT = `at most ${MOST_ARTIFACTS} of a result are kept, of ${MOST_BYTES} bytes together`;

/**
 * What a server answered, as a text for a model. Bytes become artifacts of the task, which the text names, up to 32 and
 * 8 MB; the text says how many more there were.
 * @throws Error with the text, where the tool says that it failed; the reason of the context's signal
 */
export async function resultText(result: CallToolResult, context: HandlerContext): Promise<string> {
  const { content, structuredContent, isError } = result;
  const kept = { artifacts: 0, bytes: 0, leftOut: 0 };
  const parts: string[] = [];
  for (const [index, block] of content.entries()) {
    context.signal.throwIfAborted();
    const part = await blockText(block, { index, context, kept });
    if (part !== null) parts.push(part);
  }
  if (kept.leftOut > 0) parts.push(`[${kept.leftOut} images or files left out: ${MOST_KEPT}]`);
  if (content.length === 0 && structuredContent !== undefined) parts.push(JSON.stringify(structuredContent));
  const text = storableText(parts.join('\n'));
  if (isError === true) throw new Error(text);
  return text;
}

interface At {
  readonly index: number;
  readonly context: HandlerContext;
  /** What was kept of the result so far. */
  readonly kept: { artifacts: number; bytes: number; leftOut: number };
}

/** Null for bytes that are not kept. */
async function blockText(block: Block, at: At): Promise<string | null> {
  switch (block.type) {
    case 'text':
      return block.text;
    case 'image':
    case 'audio':
      return bytesText(block.data, block.mimeType, at);
    case 'resource_link':
      return `[resource ${block.name}: ${block.uri}]`;
    case 'resource': {
      const { resource } = block;
      return 'text' in resource ? resource.text : bytesText(resource.blob, resource.mimeType, at);
    }
    default:
      return '[something that cannot be shown]';
  }
}

const MEDIA_TYPE = /^[a-z]+\/[\w.+-]{1,100}$/i;

async function bytesText(base64: string, given: string | undefined, { index, context, kept }: At) {
  const content = new Uint8Array(Buffer.from(base64, 'base64'));
  if (kept.artifacts === MOST_ARTIFACTS || kept.bytes + content.length > MOST_BYTES) {
    kept.leftOut += 1;
    return null;
  }
  kept.artifacts += 1;
  kept.bytes += content.length;
  const mediaType = given !== undefined && MEDIA_TYPE.test(given) ? given : 'application/octet-stream';
  const id = await context.writeArtifact({ name: `result-${index + 1}`, mediaType, content });
  return `[${mediaType}, ${content.length} bytes: artifact ${id}]`;
}
