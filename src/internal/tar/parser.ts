import { FIELDS, hasText, hasValidChecksum, NO_TEXT, readNumber, readText } from "./fields.ts";
import { parsePaxNumber, parsePaxRecords, parsePaxTime, PAX_ATTRIBUTE } from "./pax.ts";
import { TAR_BLOCK_SIZE, type TarEntryType, TarError, type TarHeader, type TarStep, type TarTime } from "./types.ts";

/** Maximum size of an extension header, in bytes. Go's reader has the same limit. */
const MAX_EXTENSION_SIZE = 1024 * 1024;

const EXTENSIONS = { x: "pax", g: "global", L: "longName", K: "longLink" } as const;

const TYPES: Readonly<Record<string, TarEntryType>> = {
  "\0": "file",
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "char",
  "4": "block",
  "5": "dir",
  "6": "fifo",
  "7": "file",
};

const WITH_PAYLOAD: ReadonlySet<TarEntryType> = new Set(["file", "other"]);

const NO_RECORDS: ReadonlyMap<string, Uint8Array> = new Map();

/** Fields of a header block whose position depends on the format, before extensions are applied. */
interface Block {
  name: Uint8Array;
  accessTime: TarTime | undefined;
  changeTime: TarTime | undefined;
  userName: Uint8Array;
  groupName: Uint8Array;
  devMajor: number;
  devMinor: number;
}

/**
 * Parses the headers of a tar archive without reading it: the caller passes header blocks, and payloads of extension
 * headers when asked, and is told what to read next. Throws {@linkcode TarError} if the archive is corrupt.
 */
export class TarHeaderParser {
  #global: ReadonlyMap<string, Uint8Array> = NO_RECORDS;
  #pax: ReadonlyMap<string, Uint8Array> | undefined;
  #longName: Uint8Array | undefined;
  #longLink: Uint8Array | undefined;
  #awaited: (typeof EXTENSIONS)[keyof typeof EXTENSIONS] | undefined;
  #zeros = 0;
  readonly #ignoresGlobal: boolean;

  /**
   * @param options `ignoresGlobal`: global PAX headers do not apply to the entries, as in Go's reader. Default: `false`.
   */
  constructor({ ignoresGlobal = false }: { ignoresGlobal?: boolean } = {}) {
    this.#ignoresGlobal = ignoresGlobal;
  }

  /** Parses a header block of 512 bytes and returns what to read next. Keeps no reference to the block. */
  block(block: Uint8Array): TarStep {
    if (block.length !== TAR_BLOCK_SIZE || this.#awaited) {
      throw new TypeError(
        "Cannot parse a tar header: a block of 512 bytes, or the payload of an extension, must be next",
      );
    }
    if (isZero(block)) {
      this.#zeros++;
      return { kind: "zero" };
    }
    if (this.#zeros > 0) {
      throw new TarError("Cannot read a tar archive: a block of zeros is followed by another header");
    }
    if (!hasValidChecksum(block)) throw new TarError("Cannot read a tar header: wrong checksum");
    const flag = String.fromCharCode(block[FIELDS.type[0]]!);
    const size = readNumber(block, FIELDS.size, "the size");
    if (size < 0) throw new TarError(`Cannot read a tar header: negative size: current value is ${size}`);
    if (!isExtension(flag)) return { kind: "entry", header: this.#entry(block, flag, size) };
    if (size > MAX_EXTENSION_SIZE) {
      throw new TarError(
        `Cannot read a tar extension header: it has ${size} bytes, more than the maximum of ${MAX_EXTENSION_SIZE}`,
      );
    }
    this.#awaited = EXTENSIONS[flag];
    return { kind: "extension", size };
  }

  /** Parses the payload, without padding, of the extension header that {@linkcode block} returned. */
  extension(payload: Uint8Array): void {
    const kind = this.#awaited;
    this.#awaited = undefined;
    if (kind === "pax") this.#pax = parsePaxRecords(payload);
    else if (kind === "global" && this.#ignoresGlobal) parsePaxRecords(payload);
    else if (kind === "global") this.#global = new Map([...this.#global, ...parsePaxRecords(payload)]);
    else if (kind === "longName") this.#longName = readText(payload, [0, payload.length]);
    else if (kind === "longLink") this.#longLink = readText(payload, [0, payload.length]);
    else throw new TypeError("Cannot parse the payload of a tar extension: no extension header precedes it");
  }

  #entry(block: Uint8Array, flag: string, blockSize: number): TarHeader {
    const pax = mergeRecords(this.#global, this.#pax);
    const fields = readBlock(block);
    const nameBytes = pax.get("path") ?? this.#longName ?? fields.name;
    const linkName = pax.get("linkpath") ?? this.#longLink ?? readText(block, FIELDS.linkName);
    this.#pax = this.#longName = this.#longLink = undefined;
    const number = (key: "uid" | "gid") => {
      const record = pax.get(key);
      return record ? parsePaxNumber(record, key) : readNumber(block, FIELDS[key], `the ${key}`);
    };
    const time = (key: string) => {
      const record = pax.get(key);
      return record && parsePaxTime(record, key);
    };
    const type = entryType(block, flag, nameBytes, pax);
    return {
      name: decodeName(nameBytes),
      nameBytes,
      type,
      typeFlag: flag,
      linkName: decodeName(linkName),
      linkNameBytes: linkName,
      size: WITH_PAYLOAD.has(type) ? payloadSize(pax, blockSize) : 0,
      mode: readNumber(block, FIELDS.mode, "the mode"),
      uid: number("uid"),
      gid: number("gid"),
      userName: decodeName(pax.get("uname") ?? fields.userName),
      groupName: decodeName(pax.get("gname") ?? fields.groupName),
      modTime: time("mtime") ?? wholeSeconds(readNumber(block, FIELDS.modTime, "the modification time")),
      accessTime: time("atime") ?? fields.accessTime,
      changeTime: time("ctime") ?? fields.changeTime,
      devMajor: fields.devMajor,
      devMinor: fields.devMinor,
      pax,
    };
  }
}

function isExtension(flag: string): flag is keyof typeof EXTENSIONS {
  return Object.hasOwn(EXTENSIONS, flag);
}

function isZero(block: Uint8Array): boolean {
  for (let at = 0; at < block.length; at++) if (block[at] !== 0) return false;
  return true;
}

/**
 * Merges PAX records: an entry's records override global ones; a record without a value removes it (pax(1)). Extended
 * attributes can be empty, so their records are kept.
 */
function mergeRecords(
  global: ReadonlyMap<string, Uint8Array>,
  entry: ReadonlyMap<string, Uint8Array> | undefined,
): ReadonlyMap<string, Uint8Array> {
  if (global.size === 0 && !entry) return NO_RECORDS;
  return new Map(
    [...global, ...entry ?? []].filter(([key]) =>
      key.startsWith(PAX_ATTRIBUTE) || (entry?.get(key) ?? global.get(key)!).length > 0
    ),
  );
}

function entryType(
  block: Uint8Array,
  flag: string,
  name: Uint8Array,
  pax: ReadonlyMap<string, Uint8Array>,
): TarEntryType {
  if (flag === "S" && block[FIELDS.gnuSparseIsExtended[0]] !== 0) {
    throw new TarError("Cannot read a tar archive: sparse files with an extended map are not supported");
  }
  for (const key of pax.keys()) if (key.startsWith("GNU.sparse.")) return "other";
  if (flag === "\0" && name.at(-1) === "/".charCodeAt(0)) return "dir";
  return TYPES[flag] ?? "other";
}

function payloadSize(pax: ReadonlyMap<string, Uint8Array>, blockSize: number): number {
  const record = pax.get("size");
  const size = record ? parsePaxNumber(record, "size") : blockSize;
  if (size < 0) throw new TarError(`Cannot read a PAX header: negative size: current value is ${size}`);
  return size;
}

/** Reads the fields whose position depends on the format: ustar, star, GNU or the oldest. */
function readBlock(block: Uint8Array): Block {
  const isUstar = hasText(block, FIELDS.ustar, "ustar\0"), isGnu = hasText(block, FIELDS.magic, "ustar  \0");
  const known = isUstar || isGnu;
  const times = isGnu ? readTimes(block, FIELDS.gnuAccessTime, FIELDS.gnuChangeTime) : NO_TIMES;
  const fields = {
    userName: known ? readText(block, FIELDS.userName) : NO_TEXT,
    groupName: known ? readText(block, FIELDS.groupName) : NO_TEXT,
    devMajor: known ? readNumber(block, FIELDS.devMajor, "the device") : 0,
    devMinor: known ? readNumber(block, FIELDS.devMinor, "the device") : 0,
  };
  if (!isUstar) return { name: readText(block, FIELDS.name), ...times, ...fields };
  if (!hasText(block, FIELDS.starTrailer, "tar\0")) {
    return { name: withPrefix(block, FIELDS.prefix), ...NO_TIMES, ...fields };
  }
  return {
    name: withPrefix(block, FIELDS.starPrefix),
    ...readTimes(block, FIELDS.starAccessTime, FIELDS.starChangeTime),
    ...fields,
  };
}

const NO_TIMES = { accessTime: undefined, changeTime: undefined };

function readTimes(
  block: Uint8Array,
  access: readonly [number, number],
  change: readonly [number, number],
): Pick<Block, "accessTime" | "changeTime"> {
  const read = (field: readonly [number, number]) =>
    block[field[0]] === 0 ? undefined : wholeSeconds(readNumber(block, field, "a time"));
  return { accessTime: read(access), changeTime: read(change) };
}

function withPrefix(block: Uint8Array, field: readonly [number, number]): Uint8Array {
  const prefix = readText(block, field), name = readText(block, FIELDS.name);
  if (prefix.length === 0) return name;
  const whole = new Uint8Array(prefix.length + 1 + name.length);
  whole.set(prefix);
  whole[prefix.length] = "/".charCodeAt(0);
  whole.set(name, prefix.length + 1);
  return whole;
}

function wholeSeconds(seconds: number): TarTime {
  return { seconds, nanoseconds: 0 };
}

const NAME_DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

function decodeName(bytes: Uint8Array): string {
  return bytes.length === 0 ? "" : NAME_DECODER.decode(bytes);
}
