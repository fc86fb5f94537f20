import { decodeBase64 } from "../../internal/room.ts";
import type { Descriptor } from "../descriptor.ts";
import { MEDIA_TYPES } from "../media_types.ts";
import { describe } from "./docker_oci.ts";

/** The bytes of {@linkcode EMPTY_GZIP_LAYER}: 32, as Docker has always written them. */
const BYTES = decodeBase64("H4sIAAAJbogA/2IYBaNgFIxYAAgAAP//Lq+17wAEAAA=")!;

/**
 * A tar archive with nothing in it, compressed with gzip: the layer that schema 1 has for a step that changed no files.
 * Every tool uses the same bytes, so that registries keep them once.
 */
export const EMPTY_GZIP_LAYER: { readonly bytes: Uint8Array<ArrayBuffer>; readonly descriptor: Descriptor } = {
  bytes: BYTES,
  descriptor: describe(MEDIA_TYPES.dockerLayerGzip, BYTES),
};
