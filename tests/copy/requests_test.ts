/** How many requests a push costs: docs/registries.md has the same table. */
import assert from "node:assert/strict";
import { create } from "../../mod.ts";
import { RegistryClient } from "../../src/registry/mod.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/mod.ts";
import { makeImage, makeTar, pushImage } from "../support/images.ts";

const ARCHITECTURES = ["amd64", "arm64", "s390x"];
const SHARED = makeTar("shared", "shared");

/** Counts what each registry is asked, by method and kind of thing. */
function createWorld() {
  const registries = new Map(["from.example", "to.example"].map((host) => [
    host,
    createRegistry({ storage: createMemoryStorage() }),
  ]));
  let counted: string[] = [];
  const fetch = async (request: Request): Promise<Response> => {
    const { host, pathname } = new URL(request.url);
    const kind = /^\/v2\/$/.test(pathname)
      ? "/v2/"
      : /\/(manifests|blobs\/uploads|blobs)\//.exec(pathname)?.[1] ?? pathname;
    counted.push(`${host.split(".")[0]} ${request.method} ${kind}`);
    return await registries.get(host)!.fetch(request);
  };
  return {
    fetch,
    repository: (host: string) => new RegistryClient(host, { fetch: registries.get(host)!.fetch }).repository("app"),
    take() {
      const counts: Record<string, number> = {};
      for (const line of counted.sort()) counts[line] = (counts[line] ?? 0) + 1;
      counted = [];
      return counts;
    },
  };
}

/** Three images that share a layer: seven blobs. */
const EXPECTED: [name: string, docs: string, counts: Record<string, number>][] = [
  ["to a new repository elsewhere", "per blob: GET, HEAD, POST, PUT; per image: GET, PUT; the list: PUT", {
    "from GET /v2/": 1,
    "from GET blobs": 7,
    "from GET manifests": 3,
    "to GET /v2/": 1,
    "to HEAD blobs": 7,
    "to POST blobs/uploads": 7,
    "to PUT blobs/uploads": 7,
    "to PUT manifests": 4,
  }],
  ["once more to the same tag", "per blob: HEAD; per image: GET, PUT; the list: PUT", {
    "from GET /v2/": 1,
    "from GET manifests": 3,
    "to GET /v2/": 1,
    "to HEAD blobs": 7,
    "to PUT manifests": 4,
  }],
  ["to another repository of the same registry", "per blob: POST (a mount); per image: GET, PUT; the list: PUT", {
    "from GET /v2/": 1,
    "from GET manifests": 3,
    "from POST blobs/uploads": 7,
    "from PUT manifests": 4,
  }],
  ["within the repository where the images are", "per image: GET, PUT; the list: PUT", {
    "from GET /v2/": 1,
    "from GET manifests": 3,
    "from PUT manifests": 4,
  }],
];
const TARGETS = ["to.example/app:1", "to.example/app:1", "from.example/other:1", "from.example/app:all"];

Deno.test("a push asks what it must, and the documentation says how much that is", async () => {
  const world = createWorld();
  for (const architecture of ARCHITECTURES) {
    const layers = [SHARED, makeTar("own", architecture)];
    await pushImage(world.repository("from.example"), makeImage({ architecture, layers }), architecture);
  }
  const list = create();
  const systemContext = { fetch: world.fetch };
  for (const architecture of ARCHITECTURES) await list.add(`from.example/app:${architecture}`, { systemContext });
  world.take();
  const docs = await Deno.readTextFile(new URL("../../docs/registries.md", import.meta.url));
  for (const [i, [name, documented, counts]] of EXPECTED.entries()) {
    await list.push(TARGETS[i]!, { systemContext });
    assert.deepEqual(world.take(), counts, name);
    assert.match(docs.replace(/ +/g, " "), new RegExp(RegExp.escape(`| ${name} | ${documented} |`)));
  }
});
