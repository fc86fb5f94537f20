import { createJsonSchema, type JsonSchema } from "./document/json_schema.ts";
import { RELEASE_FILE_RULE } from "./release_rules.ts";

/** Creates the JSON Schema of release files, which editors use for completion, hints and checks. */
export function createReleaseSchema(): JsonSchema {
  return createJsonSchema(RELEASE_FILE_RULE, {
    id: "https://jsr.io/@multiarch/manifests/release.v1.json",
    title: "Release file of manifests",
  });
}
