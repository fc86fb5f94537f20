import { create } from "../mod.ts";
import { composeIndex } from "../src/system/remote/room.ts";
import { clientOf, makeImage, pushImage } from "../tests/support/images.ts";
import { startDockerRegistry } from "../tests/support/registries.ts";
import { makeStore } from "../tests/support/stores.ts";
import { systemContext } from "./settings.ts";
import { compare, measure, report, startRelay } from "./support.ts";

/**
 * Composes an index of twenty tiny images in one registry with a latency of 10 ms each way, and compares that with a push
 * of a list of twelve.
 */
export async function compose(): Promise<void> {
  await using registry = await startDockerRegistry();
  await using relay = startRelay(registry.host, 10);
  await using at = await makeStore();
  const repository = clientOf(registry.host).repository("app");
  const suffixes = Array.from({ length: 20 }, (_, i) => `x${i}`);
  for (const suffix of suffixes) {
    await pushImage(repository, makeImage({ architecture: "arm64", variant: suffix }), `1.0-${suffix}`);
  }
  const sources = suffixes.map((suffix) => `${relay.host}/app:1.0-${suffix}`);
  const twelve = create();
  for (const source of sources.slice(0, 12)) await twelve.add(source, { systemContext });
  await twelve.saveToImage(at.store, { names: ["list"] });
  const script = new URL("../examples/compose_release.ts", import.meta.url).pathname;
  const pushFlags = ["manifest", "push", "-q", "--all", "--tls-verify=false", "list"];
  const samples = await compare(5, [
    {
      name: "composeIndex(), twenty images",
      run: async (run) => void await composeIndex({ target: `${relay.host}/app:ours${run}`, sources, systemContext }),
    },
    {
      name: "the same as a process, and latest",
      run: () => measure([Deno.execPath(), "run", "-A", script, `${relay.host}/app`, "1.0", ...suffixes, "--insecure"]),
    },
    {
      name: "buildah manifest push --all, twelve",
      run: (run) => measure(["buildah", ...at.flags, ...pushFlags, `docker://${relay.host}/buildah/${run}:1`]),
    },
    {
      name: "… to the repository of the images",
      run: (run) => measure(["buildah", ...at.flags, ...pushFlags, `docker://${relay.host}/app:theirs${run}`]),
    },
  ]);
  report("Compose an index of twenty images without copying them, 10 ms each way", samples);
}
