import { decodeBase64 } from "../../internal/room.ts";
import type { Descriptor } from "../descriptor.ts";
import { parseDigest } from "../digest.ts";
import { MEDIA_TYPES } from "../media_types.ts";

/** Bytes of {@linkcode EMPTY_GZIP_LAYER}: the 32 bytes that Docker has always written. */
const BYTES = decodeBase64("H4sIAAAJbogA/2IYBaNgFIxYAAgAAP//Lq+17wAEAAA=")!;

/**
 * Empty tar archive, compressed with gzip: the layer in schema 1 of a step that changed no files. All tools use the same
 * bytes, so that a registry stores them once.
 */
export const EMPTY_GZIP_LAYER: { readonly bytes: Uint8Array<ArrayBuffer>; readonly descriptor: Descriptor } = {
  bytes: BYTES,
  descriptor: {
    mediaType: MEDIA_TYPES.dockerLayerGzip,
    // Written here instead of computed: computing it would load a hash at every start.
    digest: parseDigest("sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4"),
    size: BYTES.length,
  },
};
