import {
  type Compression,
  compressStream,
  decompressStream,
  gzipStream,
  type GzipStreamOptions,
} from "../../internal/compression/room.ts";
import { type ByteStream, mapStream } from "../../internal/room.ts";
import type { BlobIdentity } from "../../image/room.ts";
import { createDigester } from "../../spec/room.ts";
import { type Algorithm, runtimeLevel } from "./algorithms.ts";
import { type ChunkedLayer, compressChunked } from "./zstd_chunked/mod.ts";

/** What is to be done with a layer's bytes. */
export interface Recoding {
  /** How they are compressed; `undefined`: they are not. */
  readonly decompress?: Compression | undefined;
  /** How they are to be compressed; `undefined`: not at all. */
  readonly compress?: {
    /** With what. */
    readonly algorithm: Algorithm;
    /** Level; default: the algorithm's own. */
    readonly level?: number | undefined;
  } | undefined;
}

/** What is known of a layer once all of it has been compressed anew. */
export interface Measured extends BlobIdentity {
  /** Of the content without compression. */
  readonly uncompressed: BlobIdentity;
  /** Annotations that tell of the compression. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** A layer that is compressed anew while it is read. */
export interface Recoded {
  /** Its bytes. */
  readonly stream: ByteStream;
  /** What they were; known once the stream has ended. */
  measured(): Measured;
}

/**
 * Compresses a stream anew, in this thread.
 *
 * @param blocks Who compresses the blocks of gzip; default: this thread.
 */
export function recodeHere(
  stream: ByteStream,
  { decompress, compress }: Recoding,
  blocks: Omit<GzipStreamOptions, "level"> = {},
): Recoded {
  const plain = measure(decompress ? decompressStream(stream, decompress) : stream);
  const none = { stream: plain.stream, annotations: () => ({}) };
  const compressed = compress ? compressPlain(plain.stream, compress, blocks) : none;
  const result = compress ? measure(compressed.stream) : plain;
  return {
    stream: result.stream,
    measured: () => ({
      ...result.identity(),
      uncompressed: plain.identity(),
      annotations: compressed.annotations(),
    }),
  };
}

function compressPlain(
  stream: ByteStream,
  compress: NonNullable<Recoding["compress"]>,
  blocks: Omit<GzipStreamOptions, "level">,
): ChunkedLayer {
  const { algorithm } = compress;
  const level = runtimeLevel(algorithm, compress.level);
  if (algorithm === "zstd:chunked") return compressChunked(stream, level);
  return {
    stream: algorithm === "gzip"
      ? gzipStream(stream, { ...blocks, level })
      : compressStream(stream, { algorithm, level }),
    annotations: () => ({}),
  };
}

/** A stream whose digest and size are known when it has ended. */
function measure(stream: ByteStream): { stream: ByteStream; identity: () => BlobIdentity } {
  const digester = createDigester();
  let size = 0;
  let identity: BlobIdentity | undefined;
  return {
    stream: mapStream(stream, {
      chunk(bytes) {
        digester.update(bytes);
        size += bytes.length;
        return bytes;
      },
      end() {
        identity = { digest: digester.digest(), size };
        return undefined;
      },
    }),
    identity() {
      if (!identity) throw new Error("Cannot measure a stream that has not ended");
      return identity;
    },
  };
}
