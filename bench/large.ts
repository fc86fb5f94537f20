import { create } from "../mod.ts";
import { CLI } from "../tests/support/cli.ts";
import { clientOf, makeImage, pushImage } from "../tests/support/images.ts";
import { startDockerRegistry } from "../tests/support/registries.ts";
import { makeStore } from "../tests/support/stores.ts";
import { NO_CACHE, SKOPEO, systemContext } from "./settings.ts";
import { compare, measured, report } from "./support.ts";

/** Four images with layers of 120 MB, from one registry to another. */
export async function large(): Promise<void> {
  await using from = await startDockerRegistry();
  await using to = await startDockerRegistry();
  await using at = await makeStore();
  const repository = clientOf(from.host).repository("app");
  const list = create();
  for (const architecture of ["amd64", "arm64", "s390x", "ppc64le"]) {
    const layer = new Uint8Array(120_000_000);
    for (let i = 0; i < layer.length; i += 60_000) crypto.getRandomValues(layer.subarray(i, i + 60_000));
    await pushImage(repository, makeImage({ architecture, layers: [layer] }), architecture);
    await list.add(`${from.host}/app:${architecture}`, { systemContext });
  }
  await list.saveToImage(at.store, { names: ["list"] });
  await list.push(`${from.host}/app:list`, { systemContext });
  const target = (name: string, run: number) => `docker://${to.host}/${name}${run}/x:1`;
  const forget = async () => {
    // Each run must move everything: what the registry has is deleted.
    await to.reset();
  };
  const samples = await compare(3, [
    {
      name: "manifests push",
      prepare: forget,
      run: (run) =>
        measured([...CLI, ...at.flags, "push", "-q", "--tls-verify=false", "list", target("ours", run)], NO_CACHE),
    },
    {
      name: "skopeo copy --all",
      prepare: forget,
      run: (run) => measured([...SKOPEO, `docker://${from.host}/app:list`, target("skopeo", run)]),
    },
  ]);
  report("Push four images with 120 MB each from registry to registry", samples);
}
