import {
  type Compression,
  compressStream,
  decompressStream,
  gzipStream,
  type GzipStreamOptions,
} from "../../internal/compression/room.ts";
import { type ByteStream, mapStream } from "../../internal/room.ts";
import type { BlobIdentity } from "../../image/room.ts";
import { createDigester, digestAlgorithm, UNKNOWN_SIZE } from "../../spec/room.ts";
import { type Algorithm, runtimeLevel } from "./algorithms.ts";
import { type ChunkedLayer, compressChunked } from "./zstd_chunked/mod.ts";

/** How the bytes of a layer are recoded. */
export interface Recoding {
  /** Compression of the input; `undefined`: it is not compressed. */
  readonly decompress?: Compression | undefined;
  /** Compression of the output; `undefined`: it is not compressed. */
  readonly compress?: {
    /** Algorithm with which the output is compressed. */
    readonly algorithm: Algorithm;
    /** Compression level. Default: the default of the algorithm. */
    readonly level?: number | undefined;
  } | undefined;
}

/** Digests, sizes and annotations of a layer after recompression. */
export interface Measured extends BlobIdentity {
  /** Digest and size of the uncompressed content. */
  readonly uncompressed: BlobIdentity;
  /** Annotations of the layer that describe its compression. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** A layer that is recompressed while it is read. */
export interface Recoded {
  /** The recompressed bytes of the layer. */
  readonly stream: ByteStream;
  /** Returns the results for the layer. Throws before the stream has ended. */
  measured(): Measured;
}

/** How {@linkcode recodeInThread} works. */
export interface ThreadOptions {
  /** Digest and size of the input, if the stream is verified against them. Default: they are computed if needed. */
  readonly input?: BlobIdentity | undefined;
  /** How the blocks of gzip are compressed. Default: in this thread. */
  readonly blocks?: Omit<GzipStreamOptions, "level"> | undefined;
}

/** Recompresses a stream in this thread. */
export function recodeInThread(
  stream: ByteStream,
  { decompress, compress }: Recoding,
  { input, blocks = {} }: ThreadOptions = {},
): Recoded {
  // Content that is not compressed has been hashed already.
  const plain = decompress ? measure(decompressStream(stream, decompress)) : keepIdentity(stream, input);
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

/** Returns the stream with its known digest and size; measures it if they are not known, or not by SHA-256. */
function keepIdentity(stream: ByteStream, input: BlobIdentity | undefined): ReturnType<typeof measure> {
  const isKnown = input && input.size !== UNKNOWN_SIZE && digestAlgorithm(input.digest) === "sha256";
  return isKnown ? { stream, identity: () => ({ digest: input.digest, size: input.size }) } : measure(stream);
}

/** Returns the stream with a function that returns its digest and size after it has ended. */
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
      if (!identity) throw new Error("Cannot measure the stream: it has not ended");
      return identity;
    },
  };
}
