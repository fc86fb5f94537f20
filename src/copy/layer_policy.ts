import type { LayerCompressionMode } from "../image/room.ts";
import type { Descriptor } from "../spec/room.ts";
import { type Algorithm, baseAlgorithm, isZstdChunked, type Recoding } from "./recoding/mod.ts";

/** What is wanted of a layer's compression. */
export interface LayerPolicy {
  /** Whether its compression may be changed. */
  readonly changeable: boolean;
  /** What the destination wants. */
  readonly wish: LayerCompressionMode;
  /** The algorithm that the caller wants; `undefined`: gzip for what is not compressed, and the rest as it is. */
  readonly algorithm: Algorithm | undefined;
  /** Level; `undefined`: the algorithm's own. */
  readonly level: number | undefined;
  /** Whether a layer that is compressed otherwise is no substitute. */
  readonly required: boolean;
  /** Whether the manifest can name a layer that is compressed with zstd. */
  readonly zstd: boolean;
}

/** A layer's form, as far as it is known. `undefined`: nobody has looked. */
export type LayerForm = "gzip" | "bzip2" | "Xz" | "zstd" | "zstd:chunked" | "uncompressed" | undefined;

/** What is to be done with the bytes of a layer, now that they have been looked at; `undefined`: nothing. */
export function recodingFor(policy: LayerPolicy, form: Exclude<LayerForm, undefined>): Recoding | undefined {
  const { changeable, wish, algorithm, level } = policy;
  if (!changeable) return undefined;
  const decompress = form === "uncompressed" ? undefined : form === "zstd:chunked" ? "zstd" : form;
  if (wish === "decompress") return decompress && { decompress };
  // Docker's formats cannot say zstd: rather than fail, such layers become gzip.
  if (decompress === "zstd" && !policy.zstd) return { decompress, compress: { algorithm: "gzip", level: undefined } };
  if (wish !== "compress") return undefined;
  if (!decompress) return { compress: { algorithm: algorithm ?? "gzip", level } };
  if (algorithm === undefined || isCompressedWith(form, algorithm)) return undefined;
  return { decompress, compress: { algorithm, level } };
}

/** Whether a form is what an algorithm makes: `zstd:chunked` is zstd too, but zstd is not `zstd:chunked`. */
function isCompressedWith(form: LayerForm, algorithm: Algorithm): boolean {
  return form === algorithm || (form === "zstd:chunked" && baseAlgorithm(form) === algorithm);
}

/** Whether a blob of that form, which the destination has or can mount, may stand in the manifest. */
export function fits(policy: LayerPolicy, form: LayerForm): boolean {
  const { changeable, wish, algorithm, required, zstd } = policy;
  if (!changeable) return true;
  if (wish === "decompress") return form === "uncompressed";
  if (required && algorithm) return isCompressedWith(form, algorithm);
  return zstd || (form !== "zstd" && form !== "zstd:chunked");
}

/** The form of a layer by its descriptor; not looked at, so it may be wrong, but whoever wrote it meant it. */
export function declaredForm({ mediaType, annotations = {} }: Descriptor): LayerForm {
  if (/[+.]gzip$/.test(mediaType)) return "gzip";
  if (/[+.]zstd$/.test(mediaType)) return isZstdChunked(annotations) ? "zstd:chunked" : "zstd";
  return /\.tar$/.test(mediaType) ? "uncompressed" : undefined;
}
