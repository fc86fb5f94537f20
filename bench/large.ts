import { create } from "../mod.ts";
import { clientOf, makeImage, pushImage } from "../tests/support/images.ts";
import { startDockerRegistry } from "../tests/support/registries.ts";
import { createNoise } from "./content.ts";
import { listCopies } from "./peers.ts";
import { systemContext } from "./settings.ts";
import { compare, report } from "./support.ts";

/** Pushes a list of four images with a layer of 120 MB each, and returns its name. */
export async function pushLarge(host: string, content = createNoise): Promise<string> {
  const repository = clientOf(host).repository("app");
  const list = create();
  for (const architecture of ["amd64", "arm64", "s390x", "ppc64le"]) {
    await pushImage(repository, makeImage({ architecture, layers: [content()] }), architecture);
    await list.add(`${host}/app:${architecture}`, { systemContext });
  }
  await list.push(`${host}/app:list`, { systemContext });
  return `${host}/app:list`;
}

/** Copies four images with layers of 120 MB from one registry to another. */
export async function large(): Promise<void> {
  await using registry = await startDockerRegistry();
  await using other = await startDockerRegistry();
  const from = await pushLarge(registry.host);
  const to = (name: string, run: number) => `${other.host}/${name || "x"}/${run}:1`;
  // Each run must transfer everything, so the destination is emptied before it.
  const copies = await listCopies({ from, to, prepare: other.reset });
  report("Copy four images with 120 MB each from registry to registry", await compare(5, copies));
}
