import type { CommandDefinition } from "../definition.ts";
import { FORMAT_FLAG } from "./shared_flags.ts";

/** `remove`. */
export const REMOVE: CommandDefinition = {
  name: "remove",
  group: "local",
  operands: "LIST INSTANCE",
  min: 2,
  max: 2,
  tooMany: "at least two arguments are necessary: list and digest of instance to remove from list",
  summary: "Remove an instance from a list",
  details: [
    "INSTANCE is a digest, the file of an artifact, a platform such as linux/arm64 or windows/amd64:10.0.20348.2700, or " +
    "an image. Its attestations are removed with it, unless this command is run as podman or buildah.",
  ],
  examples: [
    ["remove app:1.0 sha256:…", "by digest"],
    ["remove app:1.0 linux/s390x", "by platform"],
  ],
  flags: [FORMAT_FLAG],
  completes: ["lists", "instances"],
  load: async () => (await import("../commands/remove.ts")).remove,
};
