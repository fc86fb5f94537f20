import { decompressStream } from "../../../internal/compression/room.ts";
import { type ByteStream, readChunks } from "../../../internal/room.ts";
import { isObject } from "../../../json/room.ts";

/** A file's content, which stands in a tar between two pieces that are kept. */
export interface SplitFile {
  /** Its name in the tar; bytes where it is not UTF-8. Anybody may have written it. */
  readonly name: string | Uint8Array<ArrayBuffer>;
  /** Its size in bytes, above 0. */
  readonly size: number;
  /** Its CRC-64 (ISO) as base64 of eight bytes, the highest first. */
  readonly checksum: string;
}

/** A piece of a tar: bytes as they are, such as headers and padding, or a file. */
export type SplitEntry = Uint8Array<ArrayBuffer> | SplitFile;

/** Whether a piece stands for a file's content. */
export function isSplitFile(entry: SplitEntry): entry is SplitFile {
  return !(entry instanceof Uint8Array);
}

/** Longest line, in characters: what writes these files keeps at most 1 MiB of a tar in one, or a PAX header. */
const MAX_LINE = 16 * 1024 * 1024;

const SEGMENT = 2, FILE = 1;

/**
 * Reads a `.tar-split.gz` (vbatts/tar-split, package `storage`): the pieces of a tar in their order, those of one
 * chunk together. What breaks its rules is an error.
 */
export async function* readTarSplit(stream: ByteStream): AsyncGenerator<SplitEntry[], void, undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let rest = "";
  for await (const chunk of readChunks(decompressStream(stream, "gzip"))) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    if (rest.length > MAX_LINE) throw new RangeError(`a line has more than ${MAX_LINE} characters`);
    if (lines.length > 0) yield lines.flatMap(parseLine);
  }
  yield parseLine(rest + decoder.decode());
}

/** The piece that a line stands for; none where it stands for a file without content. */
function parseLine(line: string): SplitEntry[] {
  if (line === "") return [];
  const entry: unknown = JSON.parse(line);
  if (!isObject(entry)) throw new TypeError("an entry is not an object");
  const { type, payload, size = 0 } = entry;
  if (type === SEGMENT) return [decode(payload ?? "")];
  if (type !== FILE) throw new TypeError(`an entry has type ${JSON.stringify(type)}`);
  if (!Number.isSafeInteger(size) || (size as number) < 0) throw new TypeError("a file has no size");
  if (size === 0) return [];
  if (typeof payload !== "string") throw new TypeError("a file has no checksum");
  return [{ name: nameOf(entry), size: size as number, checksum: payload }];
}

function nameOf({ name, name_raw: raw }: Record<string, unknown>): string | Uint8Array<ArrayBuffer> {
  if (typeof name === "string" && name !== "") return name;
  const bytes = decode(raw);
  if (bytes.length === 0) throw new TypeError("a file has no name");
  return bytes;
}

function decode(text: unknown): Uint8Array<ArrayBuffer> {
  if (typeof text !== "string") throw new TypeError("bytes are not base64");
  return Uint8Array.fromBase64(text);
}
