import type { CommandDefinition } from "../definition.ts";
import { CREDENTIAL_FLAGS, FORMAT_FLAG, REGISTRY_FLAGS, REMOTE_EDIT_FLAGS } from "./shared_flags.ts";
import { PROGRESS_FLAGS } from "./transfer_flags.ts";

/** `drop`. */
export const DROP: CommandDefinition = {
  name: "drop",
  group: "remote",
  operands: "REMOTE-LIST INSTANCE...",
  min: 2,
  summary: "Remove instances from a list in a registry, in one step",
  details: [
    "No local list is used. Prints the digest of the new list. The images themselves are not deleted. INSTANCE is a " +
    "digest, a platform such as linux/arm64 or windows/amd64:10.0.20348.2700, or an image. Its attestations are removed " +
    "with it.",
  ],
  examples: [
    ["drop quay.io/me/app:1.0 linux/s390x", "by platform"],
    ["drop quay.io/me/app:1.0 sha256:…", "by digest"],
    ["drop --dry-run quay.io/me/app:1.0 linux/s390x | jq .", "what would be written"],
  ],
  flags: [...REMOTE_EDIT_FLAGS, ...REGISTRY_FLAGS, ...CREDENTIAL_FLAGS, ...PROGRESS_FLAGS, FORMAT_FLAG],
  load: async () => (await import("../commands/drop.ts")).drop,
};
