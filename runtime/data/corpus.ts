// In: byte sources of UTF-8 text and a tokenizer. Out: one long list of tokens with random reads. A corpus that fits memory is encoded once into a compact
// array; a larger one keeps an index of pages, which are read and encoded when asked for. Bytes are decoded strictly, each file on its own: a
// byte-order mark at its start is dropped, line ends stay as they are (CRLF is two characters), anything that is not UTF-8 is an error.

import type { ByteSource } from "../bytes.js";
import { EncodeError, type TokenArray, type Tokenizer, tokenArray } from "../tokenizers/index.js";

/** A text as tokens, in memory or read in pages. */
export interface Corpus {
  /** Number of tokens. */
  readonly length: number;
  /** Number of code points. */
  readonly characters: number;
  /** All tokens, where they fit memory. */
  readonly tokens: TokenArray | undefined;
  /** Tokens `first … first + count − 1`. */
  read(first: number, count: number): Promise<TokenArray>;
  /** Number of tokens before the given code point. */
  tokenAt(character: number): Promise<number>;
}

/** How much of a text is kept in memory. */
export interface CorpusOptions {
  /** Largest number of bytes of tokens kept in memory. */
  readonly memory?: number;
  /** Bytes read at once, and the size of a page. */
  readonly page?: number;
}

/** A text that can not be read: not UTF-8, or with a character that the tokenizer does not know. */
export class CorpusError extends Error {
  override readonly name = "CorpusError";
}

/** A stretch of one source that starts and ends between characters. */
interface Page {
  readonly source: ByteSource;
  readonly offset: number;
  readonly bytes: number;
  readonly firstToken: number;
  readonly firstCharacter: number;
}

const GIB = 2 ** 30;
const PAGE = 2 ** 18;
const KEPT_PAGES = 16;

/** Reads all sources once, in order, as one text. Throws `CorpusError` naming file and place. */
export async function readCorpus(sources: readonly ByteSource[], tokenizer: Tokenizer, options: CorpusOptions = {}): Promise<Corpus> {
  const size = sources.reduce((sum, source) => sum + source.size, 0);
  const width = tokenArray(tokenizer.vocabSize, 0).BYTES_PER_ELEMENT;
  // No tokenizer here makes more tokens than there are bytes.
  const whole = size * width <= (options.memory ?? GIB) ? tokenArray(tokenizer.vocabSize, size) : undefined;
  const pages: Page[] = [];
  let length = 0;
  let characters = 0;
  for (const source of sources) {
    for await (const { offset, bytes, text } of pieces(source, options.page ?? PAGE)) {
      const ids = encodePiece(tokenizer, text, source, characters);
      pages.push({ source, offset, bytes, firstToken: length, firstCharacter: characters });
      whole?.set(ids, length);
      length += ids.length;
      characters += countCharacters(text);
    }
  }
  const tokens = whole?.subarray(0, length);
  const cache = new Map<Page, Promise<TokenArray>>();
  const pageTokens = (page: Page): Promise<TokenArray> => {
    const known = cache.get(page);
    if (known !== undefined) return known;
    const oldest = cache.keys().next();
    if (cache.size >= KEPT_PAGES && oldest.done !== true) cache.delete(oldest.value);
    const made = pageText(page).then((text) => encodePiece(tokenizer, text, page.source, page.firstCharacter));
    cache.set(page, made);
    return made;
  };
  return {
    length,
    characters,
    tokens,
    read: async (first, count) => {
      if (tokens !== undefined) return tokens.subarray(first, first + count);
      const out = tokenArray(tokenizer.vocabSize, Math.min(count, length - first));
      for (let i = search(pages, (page) => page.firstToken, first), done = 0; done < out.length; i++) {
        const page = pages[i];
        if (page === undefined) break;
        const ids = await pageTokens(page);
        const from = first + done - page.firstToken;
        const part = ids.subarray(from, from + out.length - done);
        out.set(part, done);
        done += part.length;
      }
      return out;
    },
    tokenAt: async (character) => {
      if (character >= characters) return length;
      const page = pages[search(pages, (each) => each.firstCharacter, character)];
      if (page === undefined) return 0;
      const head = [...(await pageText(page))].slice(0, character - page.firstCharacter).join("");
      return page.firstToken + tokenizer.encode(head).length;
    },
  };
}

/** Text of a source in stretches of about `size` bytes that end between characters. */
async function* pieces(
  source: ByteSource,
  size: number,
): AsyncGenerator<{ readonly offset: number; readonly bytes: number; readonly text: string }> {
  let offset = 0;
  while (offset < source.size) {
    const want = Math.min(source.size - offset, Math.max(size, 4));
    const bytes = await source.read(offset, want);
    if (bytes.length < want)
      throw new CorpusError(`${source.name} ends at byte ${offset + bytes.length}, but was ${source.size} bytes long.`);
    const end = offset + want === source.size ? bytes.length : wholeCharacters(bytes);
    const text = decodeStrictly(bytes.subarray(0, end), source, offset);
    yield { offset, bytes: end, text };
    offset += end;
  }
}

async function pageText(page: Page): Promise<string> {
  return decodeStrictly(await page.source.read(page.offset, page.bytes), page.source, page.offset);
}

/** Length of the longest start of `bytes` that does not end inside a character (of bytes that are UTF-8 so far). */
function wholeCharacters(bytes: Uint8Array): number {
  let start = bytes.length - 1;
  while (start > 0 && start > bytes.length - 4 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start -= 1;
  const lead = bytes[start] ?? 0;
  const needed = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return start + needed <= bytes.length || start === 0 ? bytes.length : start;
}

function decodeStrictly(bytes: Uint8Array, source: ByteSource, offset: number): string {
  try {
    // A byte-order mark is dropped at the start of a file and kept, as the character that it then is, anywhere else.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: offset > 0 }).decode(bytes);
  } catch {
    throw new CorpusError(`${source.name} is not UTF-8: the byte at ${offset + firstBadByte(bytes)} begins or continues no character.`);
  }
}

/** Index of the byte at which strict decoding fails; the length where the last character is unfinished. */
function firstBadByte(bytes: Uint8Array): number {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for (let i = 0; i < bytes.length; i++) {
    try {
      decoder.decode(bytes.subarray(i, i + 1), { stream: true });
    } catch {
      return i;
    }
  }
  return bytes.length;
}

function encodePiece(tokenizer: Tokenizer, text: string, source: ByteSource, before: number): TokenArray {
  try {
    return tokenizer.encode(text);
  } catch (error) {
    if (error instanceof EncodeError)
      throw new CorpusError(`${source.name}: ${error.message} (${before} characters stand before this part of the text.)`, {
        cause: error,
      });
    throw error;
  }
}

function countCharacters(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xd800) count -= 1;
  return count;
}

/** Index of the last page that starts at or before `value`. */
function search(pages: readonly Page[], key: (page: Page) => number, value: number): number {
  let low = 0;
  let high = pages.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const page = pages[middle];
    if (page !== undefined && key(page) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
