/** Actions on an image wherever it is: describe, validate, verify, attest, tag, fetch, read, edit in its registry. */
export { findCiBuilder } from "./attestations/ci_builder.ts";
export {
  type AttestationsVerdict,
  type AttestationVerdict,
  type VerifyAttestationsOptions,
  verifyAttestationsWith,
} from "./attestations/verify_attestations.ts";
export { composeWith } from "./compose/compose.ts";
export { PublishError } from "./compose/publish_error.ts";
export type {
  ComposeIndexOptions,
  ComposeOptions,
  ComposeResult,
  ComposeSource,
  EntryAnnotations,
  ProvenanceOptions,
  PublishedName,
  SourceOptions,
} from "./compose/types.ts";
export {
  type DescribedImage,
  type DescribedInstance,
  type DescribedLayer,
  type DescribeImageOptions,
  describeImageWith,
  type VisitedManifest,
} from "./describe_image.ts";
export { deriveListWith, previewEditWith } from "./derive_remote_list.ts";
export {
  createAddition,
  type EditInternals,
  type EditRemoteListOptions,
  editRemoteListWith,
} from "./edit_remote_list.ts";
export {
  fetchFirstManifestWith,
  type FetchManifestOptions,
  fetchManifestWith,
  readFirst,
  readManifestWith,
} from "./fetch_manifest.ts";
export { readConfigBytes, withChosenManifest } from "./choose_manifest.ts";
export { createInstanceFinder } from "./find_again.ts";
export { formatInspection, type InspectedInstance, type Inspection } from "./inspection.ts";
export { keepConnection } from "./keep_connection.ts";
export { collectFacts, compareFacts } from "./index_facts.ts";
export { openRepositoryWith } from "./open_repository.ts";
export { resolveSource } from "./resolve_source.ts";
export { resolveImage, type Runtime } from "./runtime.ts";
export { type ReadList, type ReadListOptions, readListWith } from "./read_list.ts";
export { type TagImageOptions, tagImageWith } from "./tag_image.ts";
export {
  type ImageProblem,
  type ImageValidation,
  type ValidateImageOptions,
  validateImageWith,
} from "./validate_image.ts";
export { type ReferenceVerdict, type VerifyReferenceOptions, verifyWith } from "./verify_reference.ts";
