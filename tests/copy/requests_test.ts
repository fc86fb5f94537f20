/** Counts the requests of a push and compares them with the table of docs/registries.md. */
import assert from "node:assert/strict";
import type { SystemContext } from "../../src/image/room.ts";
import { create } from "../../mod.ts";
import { RegistryClient } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import {
  createSimpleSigner,
  generateSigstoreKeyPair,
  openPgpKey,
  openSigstoreSigner,
  type Signer,
} from "../../src/signature/room.ts";
import { folderTest } from "../support/folders.ts";
import { makeGpgHome } from "../support/gpg.ts";
import { encode, makeImage, makeTar, pushImage } from "../support/images.ts";

const ARCHITECTURES = ["amd64", "arm64", "s390x"];
const SHARED = makeTar("shared", "shared");

/** Counts the requests to each registry, by method and kind of resource. */
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
      : /^\/v2\/\w+\/(manifests|referrers|blobs\/uploads|blobs)\//.exec(pathname)?.[1] ?? pathname;
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
  ["within the repository of the images", "per image: GET, PUT; the list: PUT", {
    "from GET /v2/": 1,
    "from GET manifests": 3,
    "from PUT manifests": 4,
  }],
];
const TARGETS = ["to.example/app:1", "to.example/app:1", "from.example/other:1", "from.example/app:all"];

Deno.test("a push sends exactly the documented number of requests", async () => {
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

/** Additional requests for each manifest, if two images and their list are signed. */
const SIGNED: [how: string, docs: string, more: Record<string, number>][] = [
  ["GnuPG, in a lookaside folder", "nothing", {}],
  ["one sigstore key", "GET; twice POST, PUT; GET, PUT, GET", {
    "to GET manifests": 3,
    "to POST blobs/uploads": 2,
    "to PUT blobs/uploads": 2,
    "to PUT manifests": 1,
  }],
  ["two sigstore keys, in the same second", "GET; twice POST, PUT; GET, PUT, GET", {
    "to GET manifests": 3,
    "to POST blobs/uploads": 2,
    "to PUT blobs/uploads": 2,
    "to PUT manifests": 1,
  }],
  ["a sigstore key, with existing signatures", "GET, GET; twice POST, PUT; GET, PUT, GET", {
    "to GET manifests": 3,
    "to GET blobs": 1,
    "to POST blobs/uploads": 2,
    "to PUT blobs/uploads": 2,
    "to PUT manifests": 1,
  }],
  ["one sigstore key, as referrers", "GET; twice POST, PUT; PUT", {
    "to GET referrers": 1,
    "to POST blobs/uploads": 2,
    "to PUT blobs/uploads": 2,
    "to PUT manifests": 1,
  }],
];

folderTest(
  "signing sends exactly the documented number of requests for each manifest",
  async (folder) => {
    const world = createWorld();
    await using home = await makeGpgHome();
    const passphrase = encode("pw");
    const openSigner = async (time: number) =>
      await openSigstoreSigner(encode((await generateSigstoreKeyPair(passphrase)).privateKey), {
        passphrase,
        now: () => new Date(time),
      });
    await using one = await openSigner(1000);
    await using two = await openSigner(1000);
    await using later = await openSigner(2000);
    await using gnupg = createSimpleSigner(await openPgpKey(await home.exportSecret(await home.makeKey("me"))));
    await Deno.mkdir(`${folder}/registries.d`);
    await Deno.writeTextFile(`${folder}/registries.d/a.yaml`, `default-docker: {lookaside: "file://${folder}/sigs"}\n`);
    const systemContext = {
      fetch: world.fetch,
      registriesDirPath: `${folder}/registries.d`,
      dockerUseSigstoreAttachments: true,
    };
    const list = create();
    for (const architecture of ["amd64", "arm64"]) {
      await pushImage(world.repository("from.example"), makeImage({ architecture }), architecture);
      await list.add(`from.example/app:${architecture}`, { systemContext });
    }
    const pushWith = async (systemContext: SystemContext, target: string, ...signers: Signer[]) => {
      world.take();
      await list.push(`to.example/${target}`, { systemContext, signers, removeSignatures: true });
      return world.take();
    };
    const push = (target: string, ...signers: Signer[]) => pushWith(systemContext, target, ...signers);
    const docs = await Deno.readTextFile(new URL("../../docs/registries.md", import.meta.url));
    const [first, again] = [await push("plain:1"), await push("plain:1")];
    const pushes = [
      await push("gnupg:1", gnupg),
      await push("one:1", one),
      await push("two:1", one, two),
      await push("one:1", later),
      await pushWith({ ...systemContext, registryReferrersMode: "oci-1-1" }, "referrers:1", one),
    ];
    for (const [i, [how, documented, more]] of SIGNED.entries()) {
      const unsigned = i === 3 ? again : first;
      const names = new Set([...Object.keys(pushes[i]!), ...Object.keys(unsigned)]);
      const difference = [...names].map((name) =>
        [name, ((pushes[i]![name] ?? 0) - (unsigned[name] ?? 0)) / 3] as const
      );
      assert.deepEqual(Object.fromEntries(difference.filter(([, count]) => count !== 0)), more, how);
      assert.match(docs.replace(/ +/g, " "), new RegExp(RegExp.escape(`| ${how} | ${documented} |`)));
    }
  },
  ["gpg"],
);

Deno.test("a hundred instances are signed concurrently, within the limit of requests to a registry", async () => {
  const world = createWorld();
  let open = 0, most = 0;
  const fetch = async (request: Request): Promise<Response> => {
    if (new URL(request.url).host === "to.example") most = Math.max(most, ++open);
    try {
      return await world.fetch(request);
    } finally {
      if (new URL(request.url).host === "to.example") open--;
    }
  };
  const passphrase = encode("pw");
  const { privateKey } = await generateSigstoreKeyPair(passphrase);
  await using signer = await openSigstoreSigner(encode(privateKey), { passphrase });
  const systemContext = { fetch, dockerUseSigstoreAttachments: true };
  const list = create();
  const names = Array.from({ length: 100 }, (_, i) => `arch${i}`);
  for (const architecture of names) {
    await pushImage(world.repository("from.example"), makeImage({ architecture }), architecture);
  }
  await list.addAll(names.map((name) => `from.example/app:${name}`), { systemContext });
  world.take();
  const { digest } = await list.push("to.example/app:1", { systemContext, signers: [signer] });
  const { "to GET manifests": reads, "to PUT manifests": writes, "to POST blobs/uploads": uploads } = world.take();
  assert.deepEqual({ reads, writes, uploads }, { reads: 303, writes: 202, uploads: 402 });
  assert.ok(most > 1 && most <= 32, `${most} at once`);
  const tags = await Array.fromAsync(world.repository("to.example").listTags());
  const signed = [...list.instances(), digest].map((digest) => `${digest.replace(":", "-")}.sig`);
  assert.deepEqual(tags.sort(), ["1", ...signed].sort());
});
