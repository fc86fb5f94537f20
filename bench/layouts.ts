import { create } from "../mod.ts";
import { CLI } from "../tests/support/cli.ts";
import { clientOf, makeImage, pushImage } from "../tests/support/images.ts";
import { startDockerRegistry } from "../tests/support/registries.ts";
import { makeStore } from "../tests/support/stores.ts";
import { createNoise } from "./content.ts";
import { NO_CACHE, SKOPEO, systemContext } from "./settings.ts";
import { compare, measure, report } from "./support.ts";

/** Pushes images with compressed layers from a layout to a registry, and from a registry to a layout. */
export async function layouts(): Promise<void> {
  await using registry = await startDockerRegistry();
  await using other = await startDockerRegistry();
  const folder = await Deno.makeTempDir();
  const list = create();
  const repository = clientOf(registry.host).repository("app");
  for (const architecture of ["amd64", "arm64", "s390x", "ppc64le"]) {
    await pushImage(repository, makeImage({ architecture, layers: [createNoise()] }), architecture);
    await list.add(`${registry.host}/app:${architecture}`, { systemContext });
  }
  await using at = await makeStore();
  await list.saveToImage(at.store, { names: ["remote"] });
  await list.push(`${registry.host}/app:list`, { systemContext });
  await list.push(`oci:${folder}/from:list`, { systemContext });
  const local = create();
  await local.add(`oci:${folder}/from:list`, { all: true });
  await local.saveToImage(at.store, { names: ["local"] });
  const pushList = (list: string, target: string) =>
    measure([...CLI, ...at.flags, "push", "-q", "--tls-verify=false", list, target], NO_CACHE);
  report(
    "Push four images with 120 MB each, compressed, from a layout to a registry",
    await compare(3, [
      { name: "manifests push", prepare: other.reset, run: () => pushList("local", `docker://${other.host}/x/y:1`) },
      {
        name: "skopeo copy --all",
        prepare: other.reset,
        run: () => measure([...SKOPEO, `oci:${folder}/from:list`, `docker://${other.host}/x/y:1`]),
      },
    ]),
  );
  report(
    "… and from a registry to a layout",
    await compare(3, [
      { name: "manifests push", run: (run) => pushList("remote", `oci:${folder}/ours${run}:1`) },
      {
        name: "skopeo copy --all",
        run: (run) => measure([...SKOPEO, `docker://${registry.host}/app:list`, `oci:${folder}/theirs${run}:1`]),
      },
    ]),
  );
  await Deno.remove(folder, { recursive: true });
}
