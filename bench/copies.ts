import { create, readList } from "../mod.ts";
import { clientOf, makeImage, makeTar, pushImage, pushPlatforms } from "../tests/support/images.ts";
import { startDockerRegistry } from "../tests/support/registries.ts";
import { createNoise } from "./content.ts";
import { pushLarge } from "./large.ts";
import { findPeer, listCopies } from "./peers.ts";
import { CLI, NO_CACHE, systemContext } from "./settings.ts";
import { type Candidate, compare, measure, report, startRelay } from "./support.ts";

/** Latency of the distant registry each way, in milliseconds: 20 ms for a round trip. */
const LATENCY = 10;

/** Pushes a list of twelve tiny images, and returns its name. */
async function pushTwelve(host: string): Promise<string> {
  const platforms = Array.from({ length: 12 }, (_, i) => ({ architecture: "arm64", variant: `x${i}` }));
  const list = create();
  for (const digest of await pushPlatforms(host, "app", platforms)) {
    await list.add(`${host}/app@${digest}`, { systemContext });
  }
  await list.push(`${host}/app:list`, { systemContext });
  return `${host}/app:list`;
}

/** Copies twelve tiny images within one registry, where blobs are mounted, and to another one, also with latency. */
export async function within(): Promise<void> {
  await using registry = await startDockerRegistry();
  await using other = await startDockerRegistry();
  const from = await pushTwelve(registry.host);
  const inside = await listCopies({ from, to: (name, run) => `${registry.host}/${name || "x"}/${run}:1` });
  report("Copy twelve tiny images within one registry", await compare(5, inside));
  const outside = await listCopies({ from, to: (name, run) => `${other.host}/${name || "x"}/${run}:1` });
  report("… to another registry", await compare(5, outside));
  await using near = startRelay(registry.host, LATENCY);
  await using far = startRelay(other.host, LATENCY);
  const distant = await listCopies({
    from: from.replace(registry.host, near.host),
    to: (name, run) => `${far.host}/${name || "x"}/far${run}:1`,
  });
  report(`… to another registry, ${LATENCY} ms each way`, await compare(5, distant));
}

/** Copies an image with 500 layers of 2 KB from one registry to another. */
export async function layers(count = 500): Promise<void> {
  await using registry = await startDockerRegistry();
  await using other = await startDockerRegistry();
  const image = makeImage({
    architecture: "amd64",
    layers: Array.from(
      { length: count },
      (_, i) => makeTar(`f${i}`, crypto.getRandomValues(new Uint8Array(1000)).toHex()),
    ),
  });
  await pushImage(clientOf(registry.host).repository("app"), image, "1");
  const to = (name: string, run: number) => `${other.host}/${name || "x"}/${run}:1`;
  const copies = await listCopies({ from: `${registry.host}/app:1`, to, prepare: other.reset });
  report(`Copy an image with ${count} layers of 2 KB`, await compare(3, copies));
}

/** Adds an image to an index in a registry with latency. */
export async function append(): Promise<void> {
  await using registry = await startDockerRegistry();
  await using relay = startRelay(registry.host, LATENCY);
  await pushTwelve(registry.host);
  const base = `${relay.host}/app:list`;
  await pushPlatforms(registry.host, "app", [{ architecture: "s390x" }]);
  const added = `${relay.host}/app:s390x`;
  const { list } = await readList(base, { systemContext });
  const reset = (tag: string) => async () => void await list.push(`${relay.host}/app:${tag}`, { systemContext });
  const candidates: Candidate[] = [{
    name: "manifests append",
    prepare: reset("ours"),
    run: async () => await measure([...CLI, "append", "--tls-verify=false", `${relay.host}/app:ours`, added], NO_CACHE),
  }];
  const crane = await findPeer("crane");
  if (crane) {
    const target = `${relay.host}/app:crane`;
    const command = [crane, "index", "append", "--insecure", "-t", target, "-m", added, base];
    candidates.push({ name: "crane index append", prepare: reset("crane"), run: async () => await measure(command) });
  }
  report(`Add an image to an index, ${LATENCY} ms each way`, await compare(5, candidates));
}

/** Starts `registry serve` on a port, or on a free one for `"0"`. */
async function startServing(folder: string, port: string) {
  const args = [...CLI.slice(1), "registry", "serve", "--port", port, folder];
  const server = new Deno.Command(CLI[0]!, { args, stdout: "piped", stderr: "null" }).spawn();
  const reader = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
  // It prints its address when it listens.
  const { host } = new URL((await reader.read()).value!.trim());
  const stop = async () => {
    server.kill("SIGTERM");
    await server.status;
    await reader.cancel();
  };
  return { host, stop };
}

/** Copies four images of 120 MB to `registry serve` on disk. */
export async function serving(content: () => Uint8Array<ArrayBuffer> = createNoise): Promise<void> {
  await using registry = await startDockerRegistry();
  const from = await pushLarge(registry.host, content);
  const folder = await Deno.makeTempDir();
  let server = await startServing(folder, "0");
  try {
    const { host } = server;
    // The server stores a blob once for all repositories, so each run begins with an empty folder.
    const prepare = async () => {
      await server.stop();
      await Deno.remove(folder, { recursive: true });
      await Deno.mkdir(folder);
      server = await startServing(folder, host.split(":")[1]!);
    };
    const to = (name: string, run: number) => `${host}/${name || "x"}/${run}:1`;
    const copies = await listCopies({ from, to, prepare });
    report("Copy four images with 120 MB each to registry serve", await compare(3, copies));
  } finally {
    await server.stop();
    await Deno.remove(folder, { recursive: true });
  }
}
