/** The same command lines through a real tool and through ours in its persona, on equal stores. */
import assert from "node:assert/strict";
import { CLI } from "./cli.ts";
import { clientOf, pushPlatforms } from "./images.ts";
import { type CommandResult, exec, ok } from "./peers.ts";
import { startEmbedded } from "./registries.ts";
import { makeStore, readImagesJson, type TestStore } from "./stores.ts";

/** A command line for bash. `$M` is the tool with the flags of its store and the word `manifest`. */
export interface TranscriptLine {
  readonly line: string;
  /** Why ours differs from the tool that is installed, and what it does instead. */
  readonly differs?: { readonly why: string; readonly code: number; readonly stdout?: RegExp };
}

/** Command lines that follow on each other. */
export interface Scenario {
  readonly name: string;
  /** Default: both. */
  readonly tools?: readonly ("podman" | "buildah")[];
  readonly lines: readonly (string | TranscriptLine)[];
  /** Why the records in the stores differ in the end; default: they do not. */
  readonly recordsDiffer?: string;
}

/** Fixtures of all scenarios: images in a registry and in a layout, and files. */
export interface Fixtures extends AsyncDisposable {
  readonly env: Record<string, string>;
}

/** Makes the fixtures: `$HOST/app:{amd64,arm64v8,both}`, `$OCI:{amd64,arm64}`, `$FILE`, and the digests. */
export async function makeFixtures(): Promise<Fixtures> {
  const folder = await Deno.makeTempDir({ prefix: "transcripts-" });
  const registry = startEmbedded();
  const [amd64, arm64] = await pushPlatforms(registry.host, "app", [
    { architecture: "amd64" },
    { architecture: "arm64", variant: "v8" },
  ]);
  const entries = [[amd64, { architecture: "amd64", os: "linux" }], [arm64, {
    architecture: "arm64",
    os: "linux",
    variant: "v8",
  }]] as const;
  const repository = clientOf(registry.host).repository("app");
  const manifests = await Promise.all(entries.map(async ([digest, platform]) => {
    const { bytes, mediaType } = await repository.getManifest(digest!);
    return { mediaType, digest, size: bytes.length, platform };
  }));
  await repository.putManifest(
    "both",
    new TextEncoder().encode(JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.index.v1+json",
      manifests,
    })),
  );
  for (const [tag, name] of [["amd64", "amd64"], ["arm64v8", "arm64"]]) {
    await ok([
      "skopeo",
      "copy",
      "-q",
      "--src-tls-verify=false",
      `docker://${registry.host}/app:${tag}`,
      `oci:${folder}/oci:${name}`,
    ]);
  }
  await Deno.writeTextFile(`${folder}/file.txt`, "text\n");
  const impatience = `${folder}/containers.conf`;
  await Deno.writeTextFile(impatience, '[engine]\nretry_delay = "1ms"\n');
  return {
    env: {
      HOST: registry.host,
      OCI: `oci:${folder}/oci`,
      FILE: `${folder}/file.txt`,
      AMD64: amd64!,
      ARM64: arm64!,
      ZERO: `sha256:${"0".repeat(64)}`,
      NO_COLOR: "1",
      // Ours repeats what may pass at once; older podman and buildah ignore the key.
      CONTAINERS_CONF_OVERRIDE: impatience,
    },
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Runs a scenario through a tool and through ours, and compares what they print, their exit codes and the stores. */
export async function compareTranscripts(
  scenario: Scenario,
  tool: "podman" | "buildah",
  { env }: Fixtures,
): Promise<void> {
  await using theirs = await makeStore();
  await using ours = await makeStore();
  const commands = [
    { at: theirs, command: [tool, ...theirs.flags, "manifest"] },
    { at: ours, command: [...CLI, ...ours.flags, "manifest"] },
  ];
  const storing = `containers-storage:[vfs@ROOT+RUN]localhost/img:latest`;
  for (const { at } of commands) {
    const place = storing.replace("ROOT", at.root).replace("RUN", at.runRoot);
    await ok(["skopeo", "copy", "-q", `${env.OCI}:amd64`, place]);
  }
  const name = (line: string | TranscriptLine) => typeof line === "string" ? { line } : line;
  const seen = commands.map(() => new Map<string, string>());
  const failures: string[] = [];
  for (const { line, differs } of scenario.lines.map(name)) {
    const [real, own] = await Promise.all(commands.map(async ({ at, command }, i) => {
      const quoted = command.map((word) => `'${word}'`).join(" ");
      const result = await exec(["bash", "-o", "pipefail", "-c", line], {
        ...env,
        M: quoted,
        T: at.folder,
        MANIFESTS_PERSONA: tool,
        BASH_ENV: await shellFunctions(at, quoted),
      });
      return normalize(result, at, seen[i]!);
    })) as [CommandResult, CommandResult];
    const text = `${line}\n  theirs: ${JSON.stringify(real)}\n  ours:   ${JSON.stringify(own)}`;
    const same = own.code === real.code && own.stdout === real.stdout;
    if (!differs && !same) failures.push(text);
    if (differs && same) failures.push(`no longer differs: ${text}`);
    if (differs && (own.code !== differs.code || !(differs.stdout ?? /^$/).test(own.stdout))) {
      failures.push(`differs otherwise: ${text}`);
    }
  }
  assert.equal(failures.join("\n"), "", `${tool} ${scenario.name}`);
  if (scenario.recordsDiffer) return;
  const [real, own] = await Promise.all(commands.map(({ at }, i) => readRecords(at, seen[i]!)));
  assert.deepEqual(own, real, `${tool}: the records after ${scenario.name}`);
}

/** `m …` runs the tool, so that lines read as in a script. */
async function shellFunctions(at: TestStore, quoted: string): Promise<string> {
  const file = `${at.folder}/functions.sh`;
  await Deno.writeTextFile(file, `m() { ${quoted} "$@"; }\ncd ${at.folder}\n`);
  return file;
}

/** Ids of lists are random: the first that is seen becomes ID1. */
function normalize(result: CommandResult, at: TestStore, seen: Map<string, string>): CommandResult {
  const clean = (text: string) =>
    text.replaceAll(at.folder, "$T").replace(/(?<!sha256:|[0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g, (id) => {
      if (!seen.has(id)) seen.set(id, `ID${seen.size + 1}`);
      return seen.get(id)!;
    });
  return { ...result, stdout: clean(result.stdout), stderr: clean(result.stderr) };
}

/** The names and the manifests of all records. */
async function readRecords(at: TestStore, seen: Map<string, string>): Promise<unknown[]> {
  const images = await readImagesJson(at);
  const records = await Promise.all(images.map(async (image) => {
    const { id, names = [] } = image as { id: string; names?: string[] };
    const manifest = JSON.parse(await Deno.readTextFile(`${at.root}/${at.driver}-images/${id}/manifest`));
    return { id: seen.get(id), names: names.toSorted(), manifest: comparable(manifest) };
  }));
  return records.sort((a, b) => JSON.stringify(a.names) < JSON.stringify(b.names) ? -1 : 1);
}

/** A list as both generations of the tools mean it: the old ones save what has no annotations as a Docker list. */
// deno-lint-ignore no-explicit-any
function comparable({ mediaType: _, manifests, ...rest }: any): unknown {
  if (manifests === undefined) return rest;
  // deno-lint-ignore no-explicit-any
  const entries = (manifests ?? []).map(({ platform = {}, ...entry }: any) => ({
    ...entry,
    platform: { architecture: "", os: "", ...platform },
  }));
  return { ...rest, manifests: entries };
}
