import type { Platform } from "../../spec/mod.ts";

const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };

/** The platform of this machine, in Go's words. Both that Deno runs on have at most one variant: arm64's v8. */
export function hostPlatform(): Platform {
  const { os, arch } = Deno.build;
  const architecture = ARCHITECTURES[arch] ?? arch;
  return { os, architecture, ...(architecture === "arm64" ? { variant: "v8" } : {}) };
}
