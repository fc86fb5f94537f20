/**
 * Builds what `tests/support/oracles.ts` names, unless it is there. The first build takes some minutes and downloads
 * what Go's module proxy has; Go verifies that against `tests/oracles/go.sum`.
 */
import { exists } from "@std/fs";
import { ORACLE_SOURCES, ORACLES, SMALL_ORACLES } from "../tests/support/oracles.ts";

const PACKAGES = [".", "github.com/sigstore/cosign/v3/cmd/cosign"];
/** Neither gpgme nor a store is needed here, and then no C compiler either. */
const TAGS = "containers_image_openpgp,containers_image_storage_stub";
/** Nobody debugs them: leaving out what debuggers need makes the build shorter. */
const FLAGS = ["-trimpath", "-ldflags=-s -w", "-gcflags=all=-dwarf=false"];
/** What is fetched where Go is too old, as Debian's is; the first Go that fetches a newer one by itself is 1.21. */
const GO_VERSION = "1.26.8";
const FIRST_SELF_UPDATING = 21;

/** Runs Go, which must succeed, and returns what it printed. */
async function runGo(go: string, args: string[], cwd: string, env: Record<string, string> = {}): Promise<string> {
  const options = { args, cwd, env, stdin: "null", stdout: "piped", stderr: "inherit" } as const;
  const { success, code, stdout } = await new Deno.Command(go, options).output();
  if (!success) throw new Error(`Cannot build the oracles as go ${args[0]} exited ${code}`);
  return new TextDecoder().decode(stdout).trim();
}

/** A Go that is new enough, of the module proxy if there is none. */
async function findGo(folder: string): Promise<string> {
  const minor = /^go version go1\.(\d+)/.exec(await runGo("go", ["version"], folder))?.[1];
  if (Number(minor) >= FIRST_SELF_UPDATING) return "go";
  const [os, arch] = (await runGo("go", ["env", "GOOS", "GOARCH"], folder)).split("\n");
  const module = `golang.org/toolchain@v0.0.1-go${GO_VERSION}.${os}-${arch}`;
  const downloaded = await runGo("go", ["mod", "download", "-json", module], folder, { GOFLAGS: "-mod=mod" });
  const root: string = JSON.parse(downloaded).Dir;
  // Modules hold no programs, so nothing in them may be run at first.
  for (const programs of [`${root}/bin`, `${root}/pkg/tool/${os}_${arch}`]) {
    for await (const { name } of Deno.readDir(programs)) await Deno.chmod(`${programs}/${name}`, 0o755);
  }
  return `${root}/bin/go`;
}

/** Builds packages of a module into a folder, unless it is there. */
async function build(target: string, sources: string, packages: readonly string[]): Promise<void> {
  if (await exists(target)) return;
  // Whoever builds at the same time has a folder of their own, and the first one is kept.
  const folder = `${target}.${crypto.randomUUID()}`;
  await Deno.mkdir(folder, { recursive: true });
  try {
    const go = await findGo(folder);
    const args = ["build", "-mod=readonly", "-buildvcs=false", `-tags=${TAGS}`, ...FLAGS, "-o", `${folder}/`];
    await runGo(go, [...args, ...packages], sources, { CGO_ENABLED: "0", GOTOOLCHAIN: "auto" });
    await Deno.rename(folder, target).catch(async (error) => {
      if (!await exists(target)) throw error;
    });
  } finally {
    if (await exists(folder)) await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  await build(SMALL_ORACLES, `${ORACLE_SOURCES}media_types`, ["."]);
  await build(ORACLES, ORACLE_SOURCES, PACKAGES);
}
