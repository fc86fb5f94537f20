import { encodeBase64, encodeUtf8 } from "../../../internal/room.ts";
import type { TarEntryType, TarHeader, TarTime } from "../../../internal/tar/room.ts";
import { encodeGoJsonText, type GoJsonValue, nonEmpty, sortedMap } from "../../../json/room.ts";
import { type Digest, ManifestsError } from "../../../spec/room.ts";

/** A chunk of a file, and where it is in the compressed layer. */
export interface TocChunk {
  /** Where it begins in the file. */
  readonly fileOffset: number;
  /** How many bytes of the file it is. */
  readonly size: number;
  /** Whether all of them are zeros. */
  readonly zeros: boolean;
  /** Digest of them. */
  readonly digest: Digest;
  /** Where its first frame begins in the layer. */
  readonly start: number;
  /** Where its last frame ends in the layer. */
  readonly end: number;
}

/** What the table of contents calls the types of entries. */
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

const XATTR_PREFIX = "SCHILY.xattr.";

/** The table of contents of a `zstd:chunked` layer. */
export class Toc {
  readonly #entries: string[] = [];

  /** Adds an entry; `content` is what is known of a file's content, `undefined` where it has none. */
  add(header: TarHeader, content: { digest: Digest; chunks: readonly TocChunk[] } | undefined): void {
    const type = TYPES[header.type];
    if (!type) {
      throw new ManifestsError(
        "COMPRESSION_NOT_SUPPORTED",
        `Cannot compress a layer with zstd:chunked as entry ${
          JSON.stringify(header.name)
        } is of a type that it has no word for`,
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
      ["xattrs", xattrsOf(header)],
      ["digest", content?.digest],
      ["offset", first?.start || undefined],
      ["endOffset", chunks.at(-1)?.end],
      ...(several ? chunkMembers(first!) : []),
    ]);
    for (const chunk of several ? chunks.slice(1) : []) {
      this.#push([["type", "chunk"], ["name", header.name], ["offset", chunk.start], ...chunkMembers(chunk)]);
    }
  }

  /** Its JSON. */
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

function xattrsOf({ pax }: TarHeader): ReadonlyMap<string, GoJsonValue> | undefined {
  const found = [...pax].filter(([name]) => name.startsWith(XATTR_PREFIX));
  return sortedMap(found.map(([name, value]) => [name.slice(XATTR_PREFIX.length), encodeBase64(value)] as const));
}

/** A time as Go writes it: RFC 3339 with the digits of a second that are needed. */
function formatTime(time: TarTime | undefined): string | undefined {
  if (!time) return undefined;
  const date = new Date(time.seconds * 1000);
  if (Number.isNaN(date.getTime())) return undefined;
  const whole = date.toISOString().replace(/\.000Z$/, "");
  const fraction = time.nanoseconds ? `.${String(time.nanoseconds).padStart(9, "0").replace(/0+$/, "")}` : "";
  return `${whole}${fraction}Z`;
}
