import { buildImages } from "../tests/support/built_images.ts";
import { startDockerRegistry } from "../tests/support/registries.ts";
import { makeStore, type TestStore } from "../tests/support/stores.ts";
import { createNoise, createProgram } from "./content.ts";
import { CLI, NO_CACHE } from "./settings.ts";
import { compare, measure, ok, report } from "./support.ts";

/** Builds a list of four images with a layer of 120 MB each in a local store. */
async function storeLarge(at: TestStore, content: () => Uint8Array<ArrayBuffer>): Promise<void> {
  const names: string[] = [];
  for (let i = 0; i < 4; i++) {
    const options = { files: { content: content() }, lines: ["COPY content /content"] };
    names.push((await buildImages(at, `large${i}`, options))[i % 2]!);
  }
  await ok(["buildah", ...at.flags, "manifest", "create", "list", ...names]);
}

/** Pushes local images to a registry, which compresses their layers with gzip. */
export async function storage(): Promise<void> {
  for (const [what, content] of [["as it does programs", createProgram], ["not at all", createNoise]] as const) {
    await using at = await makeStore("overlay");
    await using to = await startDockerRegistry();
    await storeLarge(at, content);
    const target = (name: string, run: number) => `docker://${to.host}/${name}${run}/x:1`;
    const flags = ["push", "-q", "--tls-verify=false", "list"];
    const samples = await compare(3, [
      {
        name: "manifests push",
        prepare: to.reset,
        run: (run) => measure([...CLI, ...at.flags, ...flags, target("ours", run)], NO_CACHE),
      },
      {
        name: "buildah manifest push --all",
        prepare: to.reset,
        run: (run) => measure(["buildah", ...at.flags, "manifest", ...flags, "--all", target("buildah", run)]),
      },
    ]);
    report(`Push four local images with 120 MB each, which gzip compresses ${what}`, samples);
  }
}
