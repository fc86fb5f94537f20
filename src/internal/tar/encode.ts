import { concatBytes, encodeUtf8 } from "../bytes.ts";
import { FIELDS, type TarField, writeChecksum, writeNumber } from "./fields.ts";
import { TAR_BLOCK_SIZE, tarPadding } from "./types.ts";

/** An entry that is about to be written. */
export interface NewTarEntry {
  /** Its name; a folder's ends in `/`. */
  name: string;
  /** What it is. */
  type: "file" | "symlink" | "dir";
  /** How many bytes follow; default: 0. */
  size?: number;
  /** Where a symbolic link leads; default: nowhere. */
  linkName?: string;
  /** Permission bits; default: 0o644, 0o777 for a link, 0o755 for a folder. */
  mode?: number;
  /** Time of modification in seconds since 1970; default: 0. */
  modTime?: number;
  /** Owner; default: 0. */
  uid?: number;
  /** Group; default: 0. */
  gid?: number;
}

const FLAGS = { file: "0", symlink: "2", dir: "5" } as const;
const MODES = { file: 0o644, symlink: 0o777, dir: 0o755 } as const;

/**
 * The header of an entry: a ustar block, as Go writes it. Sizes above 8 GiB are in base 256, as every tar of today
 * reads them. A name or link that does not fit is in a PAX header before the block, so the block is the last 512
 * bytes; how many bytes there are depends on name and link alone, so a header may be replaced when the size is known.
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

/** Writes text, cut to the field: where it does not fit, a PAX record has the whole. */
function writeText(block: Uint8Array, [offset, length]: TarField, text: string): void {
  block.set(encodeUtf8(text).subarray(0, length), offset);
}

/** A name in the two fields of ustar, cut at a slash; `undefined` where it does not fit. */
function splitName(name: string): { prefix: string; name: string } | undefined {
  // Other than ASCII is left to PAX, which alone says in which encoding it is.
  // deno-lint-ignore no-control-regex
  if (!/^[\x01-\x7f]*$/.test(name)) return undefined;
  if (name.length <= FIELDS.name[1]) return { prefix: "", name };
  const slash = name.lastIndexOf("/", Math.min(FIELDS.prefix[1], name.length - 2));
  const rest = name.slice(slash + 1);
  return slash > 0 && rest.length <= FIELDS.name[1] ? { prefix: name.slice(0, slash), name: rest } : undefined;
}

/** A record, whose length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = encodeUtf8(` ${key}=${value}\n`).length;
  let length = rest;
  while (length !== rest + String(length).length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}
