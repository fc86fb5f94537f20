import { concatBytes } from "../../internal/room.ts";

/** A packet of an OpenPGP message (RFC 9580 §4). */
export interface Packet {
  /** Packet type; see {@linkcode TAGS}. */
  readonly tag: number;
  /** Content of the packet, joined from its parts. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Types of the packets in a signed message (RFC 9580 §5). */
export const TAGS = { signature: 2, onePassSignature: 4, compressedData: 8, literalData: 11 } as const;

/** Maximum number of packets. A signed message has three; many more are an attack on memory. */
const MAX_PACKETS = 16;

/** A part of a packet: its start and length. `more`: another part with its own length follows (RFC 9580 §4.2). */
interface Extent {
  start: number;
  length: number;
  more: boolean;
}

/**
 * Splits a message into packets. Nothing is skipped, and nothing may follow the last packet.
 *
 * @throws {SyntaxError} If the message does not consist of complete packets, or has more than 16.
 */
export function parsePackets(bytes: Uint8Array<ArrayBuffer>): Packet[] {
  const packets: Packet[] = [];
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at]!;
    if (!(first & 0x80)) throw new SyntaxError("bit 7 is not set in the first byte of a packet");
    const newFormat = (first & 0x40) !== 0;
    const tag = newFormat ? first & 0x3f : (first & 0x3c) >> 2;
    const parts: Uint8Array[] = [];
    let extent = newFormat ? newExtent(bytes, at + 1) : oldExtent(bytes, at + 1, first & 3);
    for (;;) {
      at = extent.start + extent.length;
      if (!(at <= bytes.length)) throw new SyntaxError("a packet ends too early");
      parts.push(bytes.subarray(extent.start, at));
      if (!extent.more) break;
      extent = newExtent(bytes, at);
    }
    if (packets.length === MAX_PACKETS) throw new SyntaxError(`there are more than ${MAX_PACKETS} packets`);
    packets.push({ tag, body: concatBytes(parts) });
  }
  return packets;
}

function newExtent(bytes: Uint8Array, at: number): Extent {
  const first = bytes[at] ?? NaN;
  if (first < 192) return { start: at + 1, length: first, more: false };
  if (first < 224) return { start: at + 2, length: ((first - 192) << 8) + (bytes[at + 1] ?? NaN) + 192, more: false };
  if (first === 255) return { start: at + 5, length: bigEndian(bytes, at + 1, 4), more: false };
  return { start: at + 1, length: 2 ** (first & 0x1f), more: true };
}

function oldExtent(bytes: Uint8Array, at: number, kind: number): Extent {
  if (kind === 3) return { start: at, length: bytes.length - at, more: false };
  const size = 2 ** kind;
  return { start: at + size, length: bigEndian(bytes, at, size), more: false };
}

/** Reads a big-endian number; `NaN` if the bytes end too early. */
function bigEndian(bytes: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let i = at; i < at + size; i++) value = value * 256 + (bytes[i] ?? NaN);
  return value;
}
