import type { Message } from "openpgp";
import { refuse } from "../refusal.ts";
import type { OpenPgp } from "./load.ts";

/** Real messages have some 600 bytes; a small one may expand to gigabytes. */
export const MAX_EXPANDED_SIZE: number = 1024 * 1024;

/** What is looked at in a packet of the library. */
interface AnyPacket {
  readonly constructor: { readonly tag?: number };
  readonly packets?: readonly AnyPacket[] | null;
  readonly format?: number;
  readonly signatureType?: number | null;
}

/**
 * Reads a binary message and refuses every form but one: a one-pass signature, binary content, the signature, all of
 * them at most once compressed. Other forms have let tools show content that nobody had signed.
 *
 * @throws {SignatureRefusedError} With code `SIGNATURE_MESSAGE_INVALID`.
 */
export async function readSignedMessage(openpgp: OpenPgp, bytes: Uint8Array): Promise<Message<Uint8Array>> {
  let message: Message<Uint8Array>;
  try {
    const config = { maxDecompressedMessageSize: MAX_EXPANDED_SIZE };
    message = await openpgp.readMessage({ binaryMessage: bytes, config });
  } catch (cause) {
    invalid("it cannot be parsed", cause);
  }
  const { packet } = openpgp.enums;
  let packets = packetsOf(message.packets);
  if (packets.length === 1 && packets[0]!.constructor.tag === packet.compressedData) {
    packets = packetsOf(packets[0]!.packets ?? []);
  }
  const tags = packets.map((one) => one.constructor.tag);
  const wanted = [packet.onePassSignature, packet.literalData, packet.signature];
  const signatures = tags.filter((tag) => tag === packet.signature).length;
  if (signatures !== 1) invalid(`Unexpected GPG signature count ${signatures}`);
  if (tags.length !== wanted.length || wanted.some((tag, i) => tags[i] !== tag)) invalid(`packets are ${tags}`);
  if (packets[1]!.format !== openpgp.enums.literal.binary) invalid("content is not binary");
  if (packets[2]!.signatureType !== openpgp.enums.signature.binary) {
    invalid("signature is not one of a binary document");
  }
  return message;
}

function packetsOf(list: unknown): AnyPacket[] {
  return Array.from(list as Iterable<AnyPacket>);
}

function invalid(problem: string, cause?: unknown): never {
  refuse("SIGNATURE_MESSAGE_INVALID", `Invalid GPG signature: message is not one signed text: ${problem}`, { cause });
}
