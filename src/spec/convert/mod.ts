/** Conversion of image manifests between formats, and replacement of their layers, with the bytes that Go's tools write. */
export { convertToDockerManifest, convertToOciManifest, describeArtifact, type ImageWithConfig } from "./docker_oci.ts";
export {
  renameSchema1,
  type RenameSchema1Options,
  replaceLayers,
  replaceSchema1Layers,
  type Schema1Options,
} from "./edit.ts";
export { EMPTY_GZIP_LAYER } from "./empty_layer.ts";
export { convertFromSchema1, type ConvertFromSchema1Options, schema1EmptyLayers } from "./from_schema1.ts";
export { isArtifact, isChangeableLayer, isForeignLayer, type LayerCompression, layerMediaType } from "./layers.ts";
export { convertToSchema1, type ConvertToSchema1Options } from "./to_schema1.ts";
