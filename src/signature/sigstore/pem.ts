import { decodeStrictBase64, encodeBase64 } from "../../internal/room.ts";

/** A decoded block of a PEM file. */
export interface PemBlock {
  /** Label of the block, such as `PUBLIC KEY`. */
  readonly type: string;
  /** Decoded content of the block. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const BLOCK_REGEXP = /-----BEGIN ([A-Z0-9 ]{1,64})-----[ \t]*\r?\n([A-Za-z0-9+/=\s]*?)-----END \1-----/g;

/** Parses the blocks of a PEM file (RFC 7468). Text outside of blocks is ignored. */
export function parsePem(bytes: Uint8Array): PemBlock[] {
  const text = new TextDecoder().decode(bytes);
  return [...text.matchAll(BLOCK_REGEXP)].flatMap(([, type, body]) => {
    const decoded = decodeStrictBase64(body!.replace(/\s+/g, ""));
    return decoded ? [{ type: type!, bytes: decoded }] : [];
  });
}

/** Encodes bytes as one PEM block. */
export function encodePem(type: string, bytes: Uint8Array): string {
  const lines = encodeBase64(bytes).replace(/.{1,64}/g, "$&\n");
  return `-----BEGIN ${type}-----\n${lines}-----END ${type}-----\n`;
}
