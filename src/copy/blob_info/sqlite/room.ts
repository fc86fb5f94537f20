/** Facts about blobs in the SQLite file that podman, buildah and skopeo share. */
export { OptionalDatabase } from "./database.ts";
export { FILE_NAME } from "./schema.ts";
export { SharedFacts } from "./shared_facts.ts";
