import { concatBytes, encodeUtf8 } from "../bytes.ts";
import { FIELDS, type TarField, writeChecksum, writeNumber } from "./fields.ts";
import { TAR_BLOCK_SIZE, tarPadding } from "./types.ts";

/** Entry to write into a tar archive. */
export interface NewTarEntry {
  /** Name of the entry; a folder's name ends with `/`. */
  name: string;
  /** Kind of the entry, which decides its default mode. */
  type: "file" | "symlink" | "dir";
  /** Size of the payload, in bytes. Default: 0. */
  size?: number;
  /** Target of a symbolic link. Default: empty. */
  linkName?: string;
  /** Permission bits. Default: 0o644 for a file, 0o777 for a link, 0o755 for a folder. */
  mode?: number;
  /** Modification time, in seconds since 1970. Default: 0. */
  modTime?: number;
  /** User id of the owner. Default: 0. */
  uid?: number;
  /** Group id of the owner. Default: 0. */
  gid?: number;
}

const FLAGS = { file: "0", symlink: "2", dir: "5" } as const;
const MODES = { file: 0o644, symlink: 0o777, dir: 0o755 } as const;

/**
 * Encodes the header of an entry as a ustar block, as Go writes it. Sizes of 8 GiB and more are written in base 256, which
 * current tar programs read. If a name or link target does not fit, a PAX header precedes the block, so the block is
 * always the last 512 bytes. The length of the result depends only on name and link target, so that a header can be
 * replaced once the size is known.
 */
export function encodeTarHeader(entry: NewTarEntry): Uint8Array<ArrayBuffer> {
  const { name, linkName = "" } = entry;
  const records: string[] = [];
  const split = splitName(name);
  if (!split) records.push(paxRecord("path", name));
  if (encodeUtf8(linkName).length > FIELDS.linkName[1]) records.push(paxRecord("linkpath", linkName));
  const block = encodeBlock(entry, FLAGS[entry.type], split ?? { prefix: "", name });
  if (records.length === 0) return block;
  const payload = encodeUtf8(records.join(""));
  const extension = { name: "PaxHeaders.0", type: "file", size: payload.length } as const;
  const header = encodeBlock(extension, "x", { prefix: "", name: extension.name });
  return concatBytes([header, payload, new Uint8Array(tarPadding(payload.length)), block]);
}

function encodeBlock(
  entry: NewTarEntry,
  flag: string,
  { prefix, name }: { prefix: string; name: string },
): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(TAR_BLOCK_SIZE);
  writeText(block, FIELDS.name, name);
  writeNumber(block, FIELDS.mode, entry.mode ?? MODES[entry.type]);
  writeNumber(block, FIELDS.uid, entry.uid ?? 0);
  writeNumber(block, FIELDS.gid, entry.gid ?? 0);
  writeNumber(block, FIELDS.size, entry.size ?? 0);
  writeNumber(block, FIELDS.modTime, entry.modTime ?? 0);
  writeText(block, FIELDS.type, flag);
  writeText(block, FIELDS.linkName, entry.linkName ?? "");
  writeText(block, FIELDS.magic, "ustar\x0000");
  writeNumber(block, FIELDS.devMajor, 0);
  writeNumber(block, FIELDS.devMinor, 0);
  writeText(block, FIELDS.prefix, prefix);
  writeChecksum(block);
  return block;
}

/** Writes text, truncated to the field. If it does not fit, a PAX record has the full text. */
function writeText(block: Uint8Array, [offset, length]: TarField, text: string): void {
  block.set(encodeUtf8(text).subarray(0, length), offset);
}

/** Splits a name at a slash into the two fields of ustar; `undefined` if it does not fit. */
function splitName(name: string): { prefix: string; name: string } | undefined {
  // Names that are not ASCII go into a PAX record, because only PAX defines their encoding.
  // deno-lint-ignore no-control-regex
  if (!/^[\x01-\x7f]*$/.test(name)) return undefined;
  if (name.length <= FIELDS.name[1]) return { prefix: "", name };
  const slash = name.lastIndexOf("/", Math.min(FIELDS.prefix[1], name.length - 2));
  const rest = name.slice(slash + 1);
  return slash > 0 && rest.length <= FIELDS.name[1] ? { prefix: name.slice(0, slash), name: rest } : undefined;
}

/** Encodes a PAX record. Its length includes the digits of the length. */
function paxRecord(key: string, value: string): string {
  const rest = encodeUtf8(` ${key}=${value}\n`).length;
  let length = rest;
  while (length !== rest + String(length).length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}
