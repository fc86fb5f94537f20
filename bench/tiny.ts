import { create } from "../mod.ts";
import { pushPlatforms } from "../tests/support/images.ts";
import { startDockerRegistry } from "../tests/support/registries.ts";
import { makeStore } from "../tests/support/stores.ts";
import { CLI, NO_CACHE, SKOPEO, systemContext } from "./settings.ts";
import { compare, measure, report, startRelay } from "./support.ts";

/** Pushes twelve tiny images in a registry with a latency of 10 ms each way. */
export async function tiny(): Promise<void> {
  await using registry = await startDockerRegistry();
  await using relay = startRelay(registry.host, 10);
  await using at = await makeStore();
  const platforms = Array.from({ length: 12 }, (_, i) => ({ architecture: "arm64", variant: `x${i}` }));
  const digests = await pushPlatforms(registry.host, "app", platforms);
  const list = create();
  for (const digest of digests) await list.add(`${registry.host}/app@${digest}`, { systemContext });
  await list.push(`${registry.host}/app:list`, { systemContext });
  // The list in the store names the instances by the address of the relay.
  const far = create();
  for (const digest of digests) await far.add(`${relay.host}/app@${digest}`, { systemContext });
  await far.saveToImage(at.store, { names: ["list"] });
  const target = (name: string, run: number) => `docker://${relay.host}/${name}/${run}:1`;
  const samples = await compare(3, [
    {
      name: "manifests push",
      run: (run) =>
        measure([...CLI, ...at.flags, "push", "-q", "--tls-verify=false", "list", target("ours", run)], NO_CACHE),
    },
    {
      name: "buildah manifest push --all",
      run: (run) =>
        measure([
          "buildah",
          ...at.flags,
          "manifest",
          "push",
          "-q",
          "--all",
          "--tls-verify=false",
          "list",
          target("buildah", run),
        ]),
    },
    {
      name: "skopeo copy --all",
      run: (run) => measure([...SKOPEO, `docker://${relay.host}/app:list`, target("skopeo", run)]),
    },
  ]);
  report("Push twelve tiny images to a new repository, 10 ms each way", samples);
}
