/** Signatures of images in registries: stored by the registry, in a lookaside, or attached to the images. */
export { DockerSignatures, type DockerSignaturesOptions } from "./docker_signatures.ts";
export type { LookasideFiles, SignatureStorage } from "./storage.ts";
