/**
 * Builds the programs that `tests/support/oracles.ts` names, unless they exist. The first build takes some minutes and
 * downloads Go modules, which Go verifies against `tests/oracles/go.sum`. With the argument `peers`, it also installs the
 * programs that the benchmarks compare with.
 */
import { exists } from "@std/fs";
import { ORACLE_SOURCES, ORACLES, PEERS, SMALL_ORACLES } from "../tests/support/oracles.ts";

/** Packages to build by the name of the program. Go calls both versions of cosign `cosign`. */
const PROGRAMS: Readonly<Record<string, string>> = {
  imagecopy: ".",
  cosign: "github.com/sigstore/cosign/v3/cmd/cosign",
  cosign2: "github.com/sigstore/cosign/v2/cmd/cosign",
};
/** Peers of the benchmarks, with their versions. */
const PEER_PACKAGES = [
  "github.com/google/go-containerregistry/cmd/crane@v0.22.1",
  "github.com/regclient/regclient/cmd/regctl@v0.11.7",
  "oras.land/oras/cmd/oras@v1.3.6",
];
/** Leaves out gpgme and the store, so that no C compiler is needed. */
const TAGS = "containers_image_openpgp,containers_image_storage_stub";
/** Leaves out debug information, which makes the build faster. */
const FLAGS = ["-trimpath", "-ldflags=-s -w", "-gcflags=all=-dwarf=false"];
/** The Go to download if the installed one is too old, as in Debian. */
const GO_VERSION = "1.26.8";
/** Minor version of the first Go that downloads a newer toolchain itself: 1.21. */
const FIRST_SELF_UPDATING = 21;

/** Runs Go and returns its standard output. Throws if it fails. */
async function runGo(go: string, args: string[], cwd: string, env: Record<string, string> = {}): Promise<string> {
  const options = { args, cwd, env, stdin: "null", stdout: "piped", stderr: "inherit" } as const;
  const { success, code, stdout } = await new Deno.Command(go, options).output();
  if (!success) throw new Error(`Cannot build the oracles: go ${args[0]} exited ${code}`);
  return new TextDecoder().decode(stdout).trim();
}

/** Finds a Go that is new enough, or downloads one from the module proxy. */
async function findGo(folder: string): Promise<string> {
  const minor = /^go version go1\.(\d+)/.exec(await runGo("go", ["version"], folder))?.[1];
  if (Number(minor) >= FIRST_SELF_UPDATING) return "go";
  const [os, arch] = (await runGo("go", ["env", "GOOS", "GOARCH"], folder)).split("\n");
  const module = `golang.org/toolchain@v0.0.1-go${GO_VERSION}.${os}-${arch}`;
  const downloaded = await runGo("go", ["mod", "download", "-json", module], folder, { GOFLAGS: "-mod=mod" });
  const root: string = JSON.parse(downloaded).Dir;
  // Files of modules are not executable after the download.
  for (const programs of [`${root}/bin`, `${root}/pkg/tool/${os}_${arch}`]) {
    for await (const { name } of Deno.readDir(programs)) await Deno.chmod(`${programs}/${name}`, 0o755);
  }
  return `${root}/bin/go`;
}

/** Builds programs of a module into a folder, unless the folder exists. */
async function build(target: string, sources: string, programs: Readonly<Record<string, string>>): Promise<void> {
  if (await exists(target)) return;
  // Each concurrent build uses another folder. The first one to finish is kept.
  const folder = `${target}.${crypto.randomUUID()}`;
  await Deno.mkdir(folder, { recursive: true });
  try {
    const go = await findGo(folder);
    const args = ["build", "-mod=readonly", "-buildvcs=false", `-tags=${TAGS}`, ...FLAGS];
    for (const [name, path] of Object.entries(programs)) {
      await runGo(go, [...args, "-o", `${folder}/${name}`, path], sources, { CGO_ENABLED: "0", GOTOOLCHAIN: "auto" });
    }
    await Deno.rename(folder, target).catch(async (error) => {
      if (!await exists(target)) throw error;
    });
  } finally {
    if (await exists(folder)) await Deno.remove(folder, { recursive: true });
  }
}

/** Installs the peers of the benchmarks that are not installed. */
async function installPeers(): Promise<void> {
  await Deno.mkdir(PEERS, { recursive: true });
  const go = await findGo(PEERS);
  for (const source of PEER_PACKAGES) {
    if (await exists(`${PEERS}/${source.split("/").at(-1)!.split("@")[0]}`)) continue;
    const env = { GOBIN: PEERS, CGO_ENABLED: "0", GOTOOLCHAIN: "auto" };
    await runGo(go, ["install", "-trimpath", "-ldflags=-s -w", source], PEERS, env);
  }
}

if (import.meta.main) {
  if (Deno.args.includes("peers")) await installPeers();
  await build(SMALL_ORACLES, `${ORACLE_SOURCES}media_types`, { mediatypes: "." });
  await build(ORACLES, ORACLE_SOURCES, PROGRAMS);
}
