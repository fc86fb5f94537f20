import { loadZlib } from "../../internal/compression/room.ts";
import { refuse } from "../refusal.ts";
import { type Packet, parsePackets, TAGS } from "./packets.ts";

/** Maximum size after decompression, in bytes. Real messages have about 600; a small one may expand to gigabytes. */
const MAX_EXPANDED_SIZE = 1024 * 1024;
const BINARY_FORMAT = "b".charCodeAt(0);
/** Accepted versions of signature packets. Version 3 lacks the signed fields that identify the key. */
const VERSIONS: readonly number[] = [4, 6];
const BINARY_DOCUMENT = 0;

/**
 * Asserts the only accepted structure of a message: a one-pass signature, binary content and the signature, together
 * compressed at most once. With other structures, tools have shown unsigned content as signed.
 *
 * @returns The message without compression.
 * @throws {SignatureRefusedError} With code `SIGNATURE_MESSAGE_INVALID`, or `LIMIT_EXCEEDED` if it expands to more than
 * 1 MiB.
 */
export async function plainMessage(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const outer = parse(bytes);
  const compressed = outer.length === 1 && outer[0]!.tag === TAGS.compressedData;
  const plain = compressed ? await decompress(outer[0]!.body) : bytes;
  const packets = compressed ? parse(plain) : outer;
  const count = packets.filter(({ tag }) => tag === TAGS.signature).length;
  if (count !== 1) invalid(`Unexpected GPG signature count ${count}`);
  const [onePass, literal, signature, ...more] = packets;
  if (onePass?.tag !== TAGS.onePassSignature || literal?.tag !== TAGS.literalData || !signature || more.length > 0) {
    invalid(`its packets are ${packets.map(({ tag }) => tag).slice(0, 10)}`);
  }
  if (literal.body[0] !== BINARY_FORMAT) invalid("its content is not binary");
  const [version, type] = signature.body;
  if (!VERSIONS.includes(version ?? 0)) invalid(`its signature has version ${version}`);
  if (type !== BINARY_DOCUMENT) invalid(`its signature has type ${type}`);
  return plain;
}

function parse(bytes: Uint8Array<ArrayBuffer>): Packet[] {
  try {
    return parsePackets(bytes);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    invalid(cause.message, cause);
  }
}

async function decompress(body: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const [algorithm] = body;
  const data = body.subarray(1);
  if (algorithm === 0) return data;
  if (algorithm !== 1 && algorithm !== 2) invalid(`compression algorithm ${algorithm} is not supported`);
  let result: { buffer: Uint8Array<ArrayBuffer>; engine: { bytesWritten: number } };
  try {
    const { inflateRawSync, inflateSync } = await loadZlib();
    const inflate = algorithm === 1 ? inflateRawSync : inflateSync;
    const options = { maxOutputLength: MAX_EXPANDED_SIZE, info: true };
    result = inflate(data, options) as unknown as typeof result;
  } catch (cause) {
    if ((cause as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE") {
      refuse("LIMIT_EXCEEDED", `Invalid GPG signature: it expands to more than ${MAX_EXPANDED_SIZE} bytes`, { cause });
    }
    invalid("it cannot be decompressed", cause);
  }
  if (result.engine.bytesWritten !== data.length) invalid("bytes follow the compressed data");
  return result.buffer;
}

function invalid(problem: string, cause?: unknown): never {
  refuse("SIGNATURE_MESSAGE_INVALID", `Invalid GPG signature: unexpected message structure: ${problem}`, { cause });
}
