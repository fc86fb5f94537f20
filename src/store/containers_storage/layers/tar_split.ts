import { decompressStream } from "../../../internal/compression/room.ts";
import { type ByteStream, readChunks } from "../../../internal/room.ts";
import { isObject } from "../../../json/room.ts";

/** The place of a file's content in a tar archive. */
export interface SplitFile {
  /** Name of the file in the archive; bytes if it is not UTF-8. The value is untrusted. */
  readonly name: string | Uint8Array<ArrayBuffer>;
  /** Size of the file in bytes, above 0. */
  readonly size: number;
  /** CRC-64 (ISO) of the content, as base64 of eight big-endian bytes. */
  readonly checksum: string;
}

/** A piece of a tar archive: verbatim bytes, such as headers and padding, or the place of a file. */
export type SplitEntry = Uint8Array<ArrayBuffer> | SplitFile;

/** True if a piece stands for the content of a file. */
export function isSplitFile(entry: SplitEntry): entry is SplitFile {
  return !(entry instanceof Uint8Array);
}

/**
 * Maximum length of a line in characters. tar-split writes at most 1 MiB of an archive, or a PAX header, in one line.
 */
const MAX_LINE = 16 * 1024 * 1024;

const SEGMENT = 2, FILE = 1;

/**
 * Reads a `.tar-split.gz` (vbatts/tar-split, package `storage`): yields the pieces of a tar archive in their order,
 * those of one chunk together. Invalid input is an error.
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

/** Parses a line. Returns one piece, or none for an empty file. */
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
  return [{ name: parseName(entry), size: size as number, checksum: payload }];
}

function parseName({ name, name_raw: raw }: Record<string, unknown>): string | Uint8Array<ArrayBuffer> {
  if (typeof name === "string" && name !== "") return name;
  const bytes = decode(raw);
  if (bytes.length === 0) throw new TypeError("a file has no name");
  return bytes;
}

function decode(text: unknown): Uint8Array<ArrayBuffer> {
  if (typeof text !== "string") throw new TypeError("bytes are not base64");
  return Uint8Array.fromBase64(text);
}
