import type { Platform } from "../../spec/room.ts";

/** The platform of this machine, in Go's words. Both that Deno runs on have at most one variant: arm64's v8. */
export function hostPlatform(): Platform {
  const { os, arch } = Deno.build;
  const architecture = arch === "aarch64" ? "arm64" : "amd64";
  return { os, architecture, ...(architecture === "arm64" ? { variant: "v8" } : {}) };
}
