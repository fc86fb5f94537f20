import { create } from "../mod.ts";
import { startDockerRegistry } from "../tests/support/registries.ts";
import { makeStore } from "../tests/support/stores.ts";
import { pushLarge } from "./large.ts";
import { CLI, NO_CACHE, SKOPEO, systemContext } from "./settings.ts";
import { compare, measure, report } from "./support.ts";

/** Pushes images with compressed layers from a layout to a registry, and from a registry to a layout. */
export async function layouts(): Promise<void> {
  await using registry = await startDockerRegistry();
  await using other = await startDockerRegistry();
  const folder = await Deno.makeTempDir();
  const from = await pushLarge(registry.host);
  const list = create();
  await list.add(from, { all: true, systemContext });
  await using at = await makeStore();
  await list.saveToImage(at.store, { names: ["remote"] });
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
        run: (run) => measure([...SKOPEO, `docker://${from}`, `oci:${folder}/theirs${run}:1`]),
      },
    ]),
  );
  await Deno.remove(folder, { recursive: true });
}
