import type { CallToolResult } from '@modelcontextprotocol/client';
import type { HandlerContext } from '../domain/agents/handler.ts';
import { storableText } from '../domain/json.ts';

type Block = CallToolResult['content'][number];

/**
 * What a server answered, as a text for a model. Bytes become artifacts of the task, which the text names.
 * @throws Error with the text, where the tool says that it failed
 */
export async function resultText(result: CallToolResult, context: HandlerContext): Promise<string> {
  const { content, structuredContent, isError } = result;
  const parts: string[] = [];
  for (const [index, block] of content.entries()) parts.push(await blockText(block, { index, context }));
  if (content.length === 0 && structuredContent !== undefined) parts.push(JSON.stringify(structuredContent));
  const text = storableText(parts.join('\n'));
  if (isError === true) throw new Error(text);
  return text;
}

interface At {
  readonly index: number;
  readonly context: HandlerContext;
}

async function blockText(block: Block, at: At): Promise<string> {
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

async function bytesText(base64: string, given: string | undefined, { index, context }: At): Promise<string> {
  const content = new Uint8Array(Buffer.from(base64, 'base64'));
  const mediaType = given !== undefined && MEDIA_TYPE.test(given) ? given : 'application/octet-stream';
  const id = await context.writeArtifact({ name: `result-${index + 1}`, mediaType, content });
  return `[${mediaType}, ${content.length} bytes: artifact ${id}]`;
}
