import { encodeBase64, encodeUtf8 } from "../../../internal/room.ts";
import { PAX_ATTRIBUTE, type TarEntryType, type TarHeader, type TarTime } from "../../../internal/tar/room.ts";
import { encodeGoJsonText, type GoJsonValue, nonEmpty, sortedMap } from "../../../json/room.ts";
import { type Digest, ManifestsError } from "../../../spec/room.ts";

/** A chunk of a file with its position in the compressed layer. */
export interface TocChunk {
  /** Offset of the chunk in the file, in bytes. */
  readonly fileOffset: number;
  /** Size of the chunk in the file, in bytes. */
  readonly size: number;
  /** Whether all bytes of the chunk are zeros. */
  readonly zeros: boolean;
  /** Digest of the chunk's uncompressed bytes. */
  readonly digest: Digest;
  /** Start offset of its first frame in the layer, in bytes. */
  readonly start: number;
  /** End offset of its last frame in the layer, in bytes. */
  readonly end: number;
}

/** Names of the entry types in the table of contents; `undefined`: not supported. */
const TYPES: Readonly<Record<TarEntryType, string | undefined>> = {
  file: "reg",
  hardlink: "hardlink",
  symlink: "symlink",
  char: "char",
  block: "block",
  dir: "dir",
  fifo: "fifo",
  other: undefined,
};

/** The table of contents of a `zstd:chunked` layer. */
export class Toc {
  readonly #entries: string[] = [];

  /**
   * Adds an entry.
   *
   * @param content Digest and chunks of a file; `undefined`: the entry has no content.
   * @throws {ManifestsError} With code `COMPRESSION_NOT_SUPPORTED` if the format does not support the type of the entry.
   */
  add(header: TarHeader, content: { digest: Digest; chunks: readonly TocChunk[] } | undefined): void {
    const type = TYPES[header.type];
    if (!type) {
      throw new ManifestsError(
        "COMPRESSION_NOT_SUPPORTED",
        `Cannot compress a layer with zstd:chunked: the type of entry ${JSON.stringify(header.name)} is not supported`,
      );
    }
    const chunks = content?.chunks ?? [];
    const [first] = chunks;
    const several = chunks.length > 1;
    this.#push([
      ["type", type],
      ["name", header.name],
      ["linkName", nonEmpty(header.linkName)],
      ["mode", header.mode || undefined],
      ["size", header.size || undefined],
      ["uid", header.uid || undefined],
      ["gid", header.gid || undefined],
      ["modtime", formatTime(header.modTime)],
      ["accesstime", formatTime(header.accessTime)],
      ["changetime", formatTime(header.changeTime)],
      ["devMajor", header.devMajor || undefined],
      ["devMinor", header.devMinor || undefined],
      ["xattrs", getXattrs(header)],
      ["digest", content?.digest],
      ["offset", first?.start || undefined],
      ["endOffset", chunks.at(-1)?.end],
      ...(several ? chunkMembers(first!) : []),
    ]);
    for (const chunk of several ? chunks.slice(1) : []) {
      this.#push([["type", "chunk"], ["name", header.name], ["offset", chunk.start], ...chunkMembers(chunk)]);
    }
  }

  /** Returns the table of contents as JSON. */
  serialize(tarSplitDigest: Digest): Uint8Array<ArrayBuffer> {
    return encodeUtf8(
      `{"version":1,"entries":[${this.#entries.join(",")}],"tarSplitDigest":${JSON.stringify(tarSplitDigest)}}`,
    );
  }

  #push(members: [string, GoJsonValue | undefined][]): void {
    this.#entries.push(encodeGoJsonText(new Map(members)));
  }
}

function chunkMembers(chunk: TocChunk): [string, GoJsonValue | undefined][] {
  return [
    ["chunkSize", chunk.size],
    ["chunkOffset", chunk.fileOffset || undefined],
    ["chunkDigest", chunk.digest],
    ["chunkType", chunk.zeros ? "zeros" : undefined],
  ];
}

function getXattrs({ pax }: TarHeader): ReadonlyMap<string, GoJsonValue> | undefined {
  const found = [...pax].filter(([name]) => name.startsWith(PAX_ATTRIBUTE));
  return sortedMap(found.map(([name, value]) => [name.slice(PAX_ATTRIBUTE.length), encodeBase64(value)] as const));
}

/** Formats a time as Go does: RFC 3339 without trailing zeros in the fraction of a second. */
function formatTime(time: TarTime | undefined): string | undefined {
  if (!time) return undefined;
  const date = new Date(time.seconds * 1000);
  if (Number.isNaN(date.getTime())) return undefined;
  const whole = date.toISOString().replace(/\.000Z$/, "");
  const fraction = time.nanoseconds ? `.${String(time.nanoseconds).padStart(9, "0").replace(/0+$/, "")}` : "";
  return `${whole}${fraction}Z`;
}
