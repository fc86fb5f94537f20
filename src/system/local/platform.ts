import type { Platform } from "../../spec/room.ts";

/**
 * Returns the platform of this machine, with Go's names. Deno runs on amd64, which has no variant here, and on arm64,
 * whose variant is `v8`.
 *
 * @example
 * ```ts
 * import { hostPlatform } from "@multiarch/manifests";
 * import assert from "node:assert/strict";
 *
 * const { os, architecture } = hostPlatform(); // such as "linux" and "amd64"
 * assert.equal(os, Deno.build.os);
 * assert.ok(["amd64", "arm64"].includes(architecture));
 * ```
 */
export function hostPlatform(): Platform {
  const { os, arch } = Deno.build;
  const architecture = arch === "aarch64" ? "arm64" : "amd64";
  return { os, architecture, ...(architecture === "arm64" ? { variant: "v8" } : {}) };
}
