import type { LayerCompressionMode } from "../image/room.ts";
import type { Descriptor } from "../spec/room.ts";
import { type Algorithm, baseAlgorithm, isZstdChunked, type Recoding } from "./recoding/mod.ts";

/** How a layer may or must be compressed at the destination. */
export interface LayerPolicy {
  /** Whether the compression of the layer may be changed. */
  readonly changeable: boolean;
  /** Compression that the destination requires. */
  readonly mode: LayerCompressionMode;
  /** The requested algorithm; `undefined`: gzip for uncompressed layers, and compressed layers stay as they are. */
  readonly algorithm: Algorithm | undefined;
  /** Compression level; `undefined`: the default of the algorithm. */
  readonly level: number | undefined;
  /** Whether only layers of this algorithm can be reused, rather than any form of the same content. */
  readonly required: boolean;
  /** Whether the manifest format supports layers that are compressed with zstd. */
  readonly zstd: boolean;
}

/** Compression of a layer; `undefined`: unknown. */
export type LayerForm = "gzip" | "bzip2" | "Xz" | "zstd" | "zstd:chunked" | "uncompressed" | undefined;

/** Returns how a layer of this form must be recoded to satisfy the policy; `undefined`: it stays as it is. */
export function chooseRecoding(policy: LayerPolicy, form: Exclude<LayerForm, undefined>): Recoding | undefined {
  const { changeable, mode, algorithm, level } = policy;
  if (!changeable) return undefined;
  const decompress = form === "uncompressed" ? undefined : form === "zstd:chunked" ? "zstd" : form;
  if (mode === "decompress") return decompress && { decompress };
  // Docker's manifest formats have no media type for zstd: such layers are recompressed with gzip.
  if (decompress === "zstd" && !policy.zstd) return { decompress, compress: { algorithm: "gzip", level: undefined } };
  if (mode !== "compress") return undefined;
  if (!decompress) return { compress: { algorithm: algorithm ?? "gzip", level } };
  if (algorithm === undefined || isCompressedWith(form, algorithm)) return undefined;
  return { decompress, compress: { algorithm, level } };
}

/** Whether a form is the output of an algorithm: `zstd:chunked` is also zstd, but zstd is not `zstd:chunked`. */
function isCompressedWith(form: LayerForm, algorithm: Algorithm): boolean {
  return form === algorithm || (form === "zstd:chunked" && baseAlgorithm(form) === algorithm);
}

/** Whether a blob of this form, which the destination has or can mount, satisfies the policy without recoding. */
export function satisfiesPolicy(policy: LayerPolicy, form: LayerForm): boolean {
  const { changeable, mode, algorithm, required, zstd } = policy;
  if (!changeable) return true;
  if (mode === "decompress") return form === "uncompressed";
  if (required && algorithm) return isCompressedWith(form, algorithm);
  return zstd || (form !== "zstd" && form !== "zstd:chunked");
}

/** Returns the form that a descriptor declares. The bytes are not read, so it can be wrong. */
export function getDeclaredForm({ mediaType, annotations = {} }: Descriptor): LayerForm {
  if (/[+.]gzip$/.test(mediaType)) return "gzip";
  if (/[+.]zstd$/.test(mediaType)) return isZstdChunked(annotations) ? "zstd:chunked" : "zstd";
  return /\.tar$/.test(mediaType) ? "uncompressed" : undefined;
}
