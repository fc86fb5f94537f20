import { concatBytes } from "../../src/internal/room.ts";
import { encode } from "./images.ts";

/** An entry of a tar, as odd as one can be. */
export interface OddEntry {
  /** Its name; longer ones than 100 bytes get a GNU header. */
  name: string | Uint8Array<ArrayBuffer>;
  content?: Uint8Array;
  /** The type's character; default: a file. */
  type?: string;
  linkName?: string;
  uid?: number;
  gid?: number;
  /** Permissions; default: 0o755. */
  mode?: number;
  /** Numbers of a device. */
  device?: [number, number];
  /** PAX records, such as extended attributes. */
  pax?: Record<string, string>;
}

/** A tar in GNU's format with these entries. */
export function oddTar(entries: readonly OddEntry[]): Uint8Array<ArrayBuffer> {
  return concatBytes([...entries.flatMap(encodeEntry), new Uint8Array(1024)]);
}

function encodeEntry(entry: OddEntry): Uint8Array[] {
  const name = typeof entry.name === "string" ? encode(entry.name) : entry.name;
  const records = Object.entries(entry.pax ?? {}).map(([key, value]) => paxRecord(`${key}=${value}\n`)).join("");
  return [
    ...(records ? encodeEntry({ name: "pax", type: "x", content: encode(records) }) : []),
    ...(name.length > 100
      ? encodeEntry({
        name: "././@LongLink",
        type: "L",
        content: concatBytes([name, new Uint8Array(1)]),
      })
      : []),
    encodeHeader(entry, name),
    padded(entry.content ?? new Uint8Array()),
  ];
}

function paxRecord(rest: string): string {
  const length = rest.length + 1;
  return `${length + String(length + 3).length} ${rest}`;
}

function encodeHeader(
  { type = "0", content, linkName = "", uid = 0, gid = 0, mode = 0o755, device }: OddEntry,
  name: Uint8Array,
): Uint8Array {
  const block = new Uint8Array(512);
  const octal = (at: number, width: number, value: number) =>
    block.set(encode(value.toString(8).padStart(width - 1, "0")), at);
  block.set(name.subarray(0, 100));
  octal(100, 8, mode);
  for (const [at, id] of [[108, uid], [116, gid]] as const) {
    if (id < 0o10000000) octal(at, 8, id);
    // A larger number is in base 256, marked by the highest bit.
    else new DataView(block.buffer).setBigUint64(at, BigInt(id) | 1n << 63n);
  }
  octal(124, 12, content?.length ?? 0);
  octal(136, 12, 1700000000);
  block.set(encode("        "), 148);
  block.set(encode(type), 156);
  block.set(encode(linkName), 157);
  block.set(encode("ustar  \0"), 257);
  if (device) device.forEach((number, i) => octal(329 + 8 * i, 8, number));
  octal(148, 8, block.reduce((sum, byte) => sum + byte, 0));
  return block;
}

function padded(content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(content.length / 512) * 512);
  bytes.set(content);
  return bytes;
}
