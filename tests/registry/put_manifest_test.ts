/** Writing a tag that others write too. */
import assert from "node:assert/strict";
import { type Fetch, RegistryClient } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { type Digest, digestOf, MEDIA_TYPES } from "../../src/spec/room.ts";
import { encode } from "../support/images.ts";

const index = (name: string) =>
  encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [], annotations: { name } });
const [BASE, OURS, THEIRS] = [index("base"), index("ours"), index("theirs")] as const;

type Tamper = (request: Request, forward: Fetch) => Promise<Response>;

/** A repository whose tag names `BASE`; writes of the tag are tampered with. */
async function tampered(tamper: Tamper) {
  const registry = createRegistry({ storage: createMemoryStorage() });
  const open = (fetch: Fetch) =>
    new RegistryClient("r.example", { fetch, patience: { retryDelay: 1 } }).repository("app");
  const direct = open(registry.fetch);
  await direct.putManifest("1", BASE);
  const isWrite = ({ method, url }: Request) => method === "PUT" && url.endsWith("/manifests/1");
  return {
    direct,
    repository: open((request) => isWrite(request) ? tamper(request, registry.fetch) : registry.fetch(request)),
  };
}

/** A registry that knows no conditions. */
const unconditional: Tamper = (request, forward) => {
  request.headers.delete("if-match");
  request.headers.delete("if-none-match");
  return forward(request);
};

const write = (forward: Fetch, bytes: Uint8Array<ArrayBuffer>) =>
  forward(
    new Request("https://r.example/v2/app/manifests/1", {
      method: "PUT",
      body: bytes,
      headers: { "content-type": MEDIA_TYPES.ociIndex },
    }),
  );

const cases: [name: string, tamper: Tamper, left: Uint8Array, conflict: boolean][] = [
  ["nobody comes between", (request, forward) => forward(request), OURS, false],
  ["nobody comes between, conditions are not known", unconditional, OURS, false],
  [
    "another writes after our look",
    async (request, forward) => {
      await write(forward, THEIRS);
      return await forward(request);
    },
    THEIRS,
    true,
  ],
  [
    "another writes after us, conditions are not known",
    async (request, forward) => {
      const response = await unconditional(request, forward);
      await write(forward, THEIRS);
      return response;
    },
    THEIRS,
    true,
  ],
  [
    "our write succeeds, but its answer is lost",
    (() => {
      let lost = false;
      return async (request: Request, forward: Fetch) => {
        const response = await forward(request);
        if (lost) return response;
        lost = true;
        throw new TypeError("connection closed before message completed");
      };
    })(),
    OURS,
    false,
  ],
];

for (const [name, tamper, left, conflict] of cases) {
  Deno.test(`a tag is written under a condition: ${name}`, async () => {
    const { repository, direct } = await tampered(tamper);
    const writing = repository.putManifest("1", OURS, { ifMatch: digestOf(BASE) });
    if (conflict) await assert.rejects(writing, { code: "CONFLICT" });
    else assert.equal(await writing, digestOf(OURS));
    assert.deepEqual((await direct.getManifest("1")).bytes, left);
  });
}

Deno.test("of writers who saw the same tag, one wins, and the others know that they did not", async () => {
  const { direct } = await tampered((request, forward) => forward(request));
  for (const ifMatch of [digestOf(BASE), digestOf(OURS), null]) {
    if (ifMatch === null) await direct.deleteTag("1");
    else await direct.putManifest("1", ifMatch === digestOf(BASE) ? BASE : OURS);
    const writing = Array.from({ length: 10 }, (_, i) => direct.putManifest("1", index(`${i}`), { ifMatch }));
    const outcomes = await Promise.allSettled(writing);
    const won = outcomes.filter(({ status }) => status === "fulfilled");
    assert.equal(won.length, 1);
    for (const outcome of outcomes) if (outcome.status === "rejected") assert.equal(outcome.reason.code, "CONFLICT");
    const { value } = won[0] as PromiseFulfilledResult<Digest>;
    assert.equal((await direct.headManifest("1"))?.digest, value);
  }
});

Deno.test("a registry that shows manifests a moment later is waited for; one that never does is not believed", async () => {
  const registry = createRegistry({ storage: createMemoryStorage() });
  let hidden = 0;
  const fetch: Fetch = async (request) => {
    const response = await registry.fetch(request);
    if (request.method === "PUT") return new Response("", { status: 201 });
    return request.method === "HEAD" && hidden-- > 0 ? new Response(null, { status: 404 }) : response;
  };
  const repository = new RegistryClient("r.example", { fetch, patience: { retryDelay: 1 } }).repository("app");
  hidden = 2;
  await repository.putManifest("1", OURS);
  hidden = 100;
  await assert.rejects(repository.putManifest("1", OURS), { code: "REGISTRY_ERROR", message: /does not have it/ });
});

Deno.test("a manifest under a digest of another algorithm is what it is", async () => {
  const { direct } = await tampered((request, forward) => forward(request));
  const digest = digestOf(OURS, "sha512");
  assert.equal(await direct.putManifest(digest, OURS), digest);
  assert.equal((await direct.getManifest(digest)).digest, digest);
});
