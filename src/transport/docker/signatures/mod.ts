/** Signatures of images in registries: kept by the registry, beside it, and attached to the images in it. */
export { DockerSignatures, type DockerSignaturesOptions } from "./docker_signatures.ts";
export type { LookasideFiles, SignatureStorage } from "./storage.ts";
