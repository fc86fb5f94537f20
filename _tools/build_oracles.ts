/**
 * Builds what `tests/support/oracles.ts` names, unless it is there. The first build takes some minutes and downloads
 * what Go's module proxy has; Go verifies that against `tests/oracles/go.sum`.
 */
import { exists } from "@std/fs";
import { ORACLE_SOURCES, ORACLES } from "../tests/support/oracles.ts";

const PACKAGES = [".", "github.com/sigstore/cosign/v3/cmd/cosign"];
/** Neither gpgme nor a store is needed here, and then no C compiler either. */
const TAGS = "containers_image_openpgp,containers_image_storage_stub";
/** Nobody debugs them: leaving out what debuggers need makes the build shorter. */
const FLAGS = ["-trimpath", "-ldflags=-s -w", "-gcflags=all=-dwarf=false"];

async function build(): Promise<void> {
  // Whoever builds at the same time has a folder of their own, and the first one is kept.
  const folder = `${ORACLES}.${crypto.randomUUID()}`;
  await Deno.mkdir(folder, { recursive: true });
  try {
    const { success, code } = await new Deno.Command("go", {
      args: ["build", "-mod=readonly", "-buildvcs=false", `-tags=${TAGS}`, ...FLAGS, "-o", `${folder}/`, ...PACKAGES],
      cwd: ORACLE_SOURCES,
      env: { CGO_ENABLED: "0" },
      stdout: "inherit",
      stderr: "inherit",
    }).output();
    if (!success) throw new Error(`Cannot build the oracles as go exited ${code}: Go 1.26 or newer is needed`);
    await Deno.rename(folder, ORACLES).catch(async (error) => {
      if (!await exists(ORACLES)) throw error;
    });
  } finally {
    if (await exists(folder)) await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main && !await exists(ORACLES)) await build();
