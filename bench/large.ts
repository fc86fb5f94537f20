import { create } from "../mod.ts";
import { CLI } from "../tests/support/cli.ts";
import { clientOf, makeImage, pushImage } from "../tests/support/images.ts";
import { startDockerRegistry } from "../tests/support/registries.ts";
import { makeStore } from "../tests/support/stores.ts";
import { createNoise } from "./content.ts";
import { NO_CACHE, SKOPEO, systemContext } from "./settings.ts";
import { compare, measure, report } from "./support.ts";

/** Pushes four images with layers of 120 MB from one registry to another. */
export async function large(): Promise<void> {
  await using from = await startDockerRegistry();
  await using to = await startDockerRegistry();
  await using at = await makeStore();
  const repository = clientOf(from.host).repository("app");
  const list = create();
  for (const architecture of ["amd64", "arm64", "s390x", "ppc64le"]) {
    await pushImage(repository, makeImage({ architecture, layers: [createNoise()] }), architecture);
    await list.add(`${from.host}/app:${architecture}`, { systemContext });
  }
  await list.saveToImage(at.store, { names: ["list"] });
  await list.push(`${from.host}/app:list`, { systemContext });
  const target = (name: string, run: number) => `docker://${to.host}/${name}${run}/x:1`;
  // Each run must transfer everything, so the destination is emptied before it.
  const samples = await compare(3, [
    {
      name: "manifests push",
      prepare: to.reset,
      run: (run) =>
        measure([...CLI, ...at.flags, "push", "-q", "--tls-verify=false", "list", target("ours", run)], NO_CACHE),
    },
    {
      name: "skopeo copy --all",
      prepare: to.reset,
      run: (run) => measure([...SKOPEO, `docker://${from.host}/app:list`, target("skopeo", run)]),
    },
  ]);
  report("Push four images with 120 MB each from registry to registry", samples);
}
