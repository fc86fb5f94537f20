import { gzipSync } from "node:zlib";
import { concatBytes, Crc64, encodeBase64 } from "../../src/internal/room.ts";
import { type Digest, digestOf } from "../../src/spec/room.ts";

/** A piece of a tar that a test makes: bytes as they are, or a file's content. */
export type TestPiece = Uint8Array | { name: string | Uint8Array; content: Uint8Array };

/** The record of a layer in a store, without its files. */
export interface TestLayer {
  /** The tar. */
  tar: Uint8Array<ArrayBuffer>;
  digest: Digest;
  /** Content of its `.tar-split.gz`. */
  tarSplit: Uint8Array<ArrayBuffer>;
}

/** Takes a tar apart as vbatts/tar-split does. */
export function splitTar(pieces: readonly TestPiece[]): TestLayer {
  const lines = pieces.map((piece, position) => {
    if (piece instanceof Uint8Array) return JSON.stringify({ type: 2, payload: encodeBase64(piece), position });
    const { name, content } = piece;
    const sum = new Crc64();
    sum.update(content);
    const named = typeof name === "string" ? { name } : { name_raw: encodeBase64(name) };
    const size = content.length > 0 ? { size: content.length, payload: encodeBase64(sum.bytes()) } : { payload: null };
    return JSON.stringify({ type: 1, ...named, ...size, position });
  });
  const tar = concatBytes(pieces.map((piece) => (piece instanceof Uint8Array ? piece : piece.content)));
  return { tar, digest: digestOf(tar), tarSplit: gzipText(lines.map((line) => `${line}\n`).join("")) };
}

/** Text, compressed. */
export function gzipText(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(gzipSync(text));
}
