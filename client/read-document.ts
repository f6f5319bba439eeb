import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { errorMessage } from '../domain/errors.ts';
import { InputTooLarge, InputUnreadable } from '../operations/operation-errors.ts';

/** A text and the name it is shown under. */
export interface TextDocument {
  readonly name: string;
  readonly text: string;
}

/**
 * Reads a file as UTF-8 text. Refuses a file that is missing, a folder, empty, too large or not text, and reads at most
 * one byte beyond the limit. A device or a pipe is read to its end, or to the limit if it has none before.
 * @throws InputUnreadable, InputTooLarge
 */
export async function readDocument(file: string, maxBytes: number): Promise<TextDocument> {
  const bytes = await readBytes(file, maxBytes);
  return { name: basename(file), text: decodeText(file, bytes, maxBytes) };
}

async function readBytes(file: string, maxBytes: number): Promise<Uint8Array> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new InputUnreadable(
      file,
      missing ? 'there is no such file. Check the path.' : `${errorMessage(error)}.`,
      error,
    );
  });
  try {
    const information = await handle.stat();
    if (information.isDirectory()) throw new InputUnreadable(file, 'it is a folder. Name one file in it.');
    if (information.isFile() && information.size > maxBytes) throw new InputTooLarge(information.size, maxBytes);
    return await readLimited(handle.createReadStream({ end: maxBytes }), maxBytes);
  } finally {
    await handle.close();
  }
}

/** Reads to the end, or stops at the first chunk that exceeds the limit. @throws InputTooLarge */
export async function readLimited(source: AsyncIterable<Uint8Array | string>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of source) {
    const bytes = Buffer.from(chunk);
    length += bytes.byteLength;
    if (length > maxBytes) throw new InputTooLarge(null, maxBytes);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** Bytes as text. @throws InputUnreadable for what is empty or not UTF-8, InputTooLarge */
export function decodeText(name: string, bytes: Uint8Array, maxBytes: number): string {
  if (bytes.byteLength > maxBytes) throw new InputTooLarge(bytes.byteLength, maxBytes);
  if (isZip(bytes)) throw new InputUnreadable(name, 'it is a zip archive. Unpack it and name the file in it.');
  const text = decodeUtf8(name, bytes);
  if (text.includes('\u0000')) throw new InputUnreadable(name, 'it is a binary file. Give a UTF-8 text.');
  if (text.trim() === '') throw new InputUnreadable(name, 'it is empty. Give a file with some text in it.');
  return text;
}

/** Whether it begins like a zip archive, the form in which chat programs export. */
function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;
}

function decodeUtf8(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new InputUnreadable(name, 'it is not UTF-8 text. Convert it, for example with iconv.', error);
  }
}
