/** Writes of a tag that others write too. */
import assert from "node:assert/strict";
import { type Fetch, RegistryClient, RegistryError } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { type Digest, digestOf, MEDIA_TYPES } from "../../src/spec/room.ts";
import { encode } from "../support/images.ts";
import { HeldTimers, runPending } from "../support/timers.ts";

const index = (name: string) =>
  encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [], annotations: { name } });
const [BASE, OURS, THEIRS] = [index("base"), index("ours"), index("theirs")] as const;

type Tamper = (request: Request, forward: Fetch) => Promise<Response>;

/** A repository whose tag names `BASE`; `tamper` handles writes of the tag. */
async function tampered(tamper: Tamper) {
  const registry = createRegistry({ storage: createMemoryStorage() });
  const open = (fetch: Fetch) =>
    new RegistryClient("r.example", { fetch, timeouts: { retryDelay: 1 } }).repository("app");
  const direct = open(registry.fetch);
  await direct.putManifest("1", BASE);
  const isWrite = ({ method, url }: Request) => method === "PUT" && url.endsWith("/manifests/1");
  return {
    direct,
    repository: open((request) => isWrite(request) ? tamper(request, registry.fetch) : registry.fetch(request)),
  };
}

/** A registry that ignores conditional requests. */
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
  ["no other writer", (request, forward) => forward(request), OURS, false],
  ["no other writer, conditions are ignored", unconditional, OURS, false],
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
    "a slower writer, whose look was before our write, writes after our answer, conditions are not known",
    async (request, forward) => {
      const response = await unconditional(request, forward);
      setTimeout(() => void write(forward, THEIRS));
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

Deno.test("of writers that read the same tag, one wins, and the others get a conflict", async () => {
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

Deno.test("the client waits for a registry that shows manifests late, and fails if they never appear", async () => {
  const registry = createRegistry({ storage: createMemoryStorage() });
  let hidden = 0;
  const fetch: Fetch = async (request) => {
    const response = await registry.fetch(request);
    if (request.method === "PUT") return new Response("", { status: 201 });
    const isLook = request.url.includes("/manifests/");
    return isLook && hidden-- > 0 ? new Response(null, { status: 404 }) : response;
  };
  const repository = new RegistryClient("r.example", { fetch, timeouts: { retryDelay: 1 } }).repository("app");
  hidden = 2;
  await repository.putManifest("1", OURS);
  hidden = 100;
  await assert.rejects(repository.putManifest("1", OURS), { code: "REGISTRY_ERROR", message: /does not have it/ });
});

Deno.test("a manifest under a digest of another algorithm is verified", async () => {
  const { direct } = await tampered((request, forward) => forward(request));
  const digest = digestOf(OURS, "sha512");
  assert.equal(await direct.putManifest(digest, OURS), digest);
  assert.equal((await direct.getManifest(digest)).digest, digest);
});

/** Responses of registries to writes of an immutable tag. */
const immutable: [registry: string, status: number, code: string, message: string][] = [
  ["Harbor", 412, "PRECONDITION", "tag 1 is immutable, cannot be updated"],
  ["GitLab", 403, "DENIED", "the tag 1 is protected"],
  ["Amazon ECR", 400, "TAG_INVALID", "The image tag '1' already exists and cannot be overwritten: it is immutable"],
  ["Quay", 409, "TAG_IMMUTABLE", "tag 1 is immutable"],
  ["Azure", 405, "UNSUPPORTED", "the operation is disallowed on this tag"],
];

for (const [registry, status, code, message] of immutable) {
  const refuse: Tamper = () => Promise.resolve(Response.json({ errors: [{ code, message }] }, { status }));

  Deno.test(`${registry} refuses to write an immutable tag: the same content is there already`, async () => {
    const { repository, direct } = await tampered(refuse);
    for (const ifMatch of [undefined, digestOf(BASE)]) {
      const written = await repository.writeManifest("1", BASE, { ifMatch });
      assert.deepEqual(written, { digest: digestOf(BASE), unchanged: true });
    }
    assert.equal((await direct.headManifest("1"))?.digest, digestOf(BASE));
  });

  Deno.test(`${registry} refuses to write an immutable tag: other content is refused with the registry's text`, async () => {
    for (const ifMatch of [undefined, digestOf(BASE)]) {
      let writes = 0;
      const { repository } = await tampered((request, forward) => {
        writes++;
        return refuse(request, forward);
      });
      const error = await repository.putManifest("1", OURS, { ifMatch }).then(() => undefined, (error) => error);
      assert.ok(error instanceof RegistryError);
      assert.deepEqual([error.status, error.message.includes(message), writes], [status, true, 1]);
      assert.notEqual(error.code, "CONFLICT");
    }
  });

  Deno.test(`${registry} refuses to write a tag that another writer changed: a lost race`, async () => {
    const { repository } = await tampered(async (request, forward) => {
      await write(forward, THEIRS);
      return await refuse(request, forward);
    });
    await assert.rejects(repository.putManifest("1", OURS, { ifMatch: digestOf(BASE) }), { code: "CONFLICT" });
  });
}

Deno.test("a rejection is passed on if the tag cannot be read", async () => {
  const registry = createRegistry({ storage: createMemoryStorage() });
  const fetch: Fetch = async (request) => {
    const isTag = request.url.endsWith("/manifests/1");
    return isTag ? new Response(null, { status: 403 }) : await registry.fetch(request);
  };
  const repository = new RegistryClient("r.example", { fetch, timeouts: { retryDelay: 1 } }).repository("app");
  await assert.rejects(repository.putManifest("1", OURS), { code: "DENIED", method: "PUT" });
});

Deno.test("the tag is not read after a manifest was rejected for its type", async () => {
  const registry = createRegistry({ storage: createMemoryStorage() });
  const methods: string[] = [];
  const fetch: Fetch = async (request) => {
    if (!request.url.includes("/manifests/")) return await registry.fetch(request);
    methods.push(request.method);
    return Response.json({ errors: [{ code: "MANIFEST_INVALID", message: "unknown type" }] }, { status: 400 });
  };
  const repository = new RegistryClient("r.example", { fetch }).repository("app");
  await assert.rejects(repository.putManifest("1", OURS), { code: "MANIFEST_REJECTED" });
  assert.deepEqual(methods, ["PUT"]);
});

Deno.test("a policy that answers reads with 412 is not a conflict", async () => {
  const registry = createRegistry({ storage: createMemoryStorage() });
  const message = "current image with 5 vulnerabilities cannot be pulled";
  const fetch: Fetch = (request) =>
    request.url.includes("/manifests/")
      ? Promise.resolve(Response.json({ errors: [{ code: "PROJECTPOLICYVIOLATION", message }] }, { status: 412 }))
      : registry.fetch(request);
  const repository = new RegistryClient("r.example", { fetch }).repository("app");
  await assert.rejects(repository.getManifest("1"), { code: "DENIED", message: new RegExp(message) });
});

Deno.test("a conditional write is not repeated before the tag is read again: another writer may have written it", async () => {
  let failed = false;
  const { repository, direct } = await tampered(async (request, forward) => {
    if (failed) return await unconditional(request, forward);
    failed = true;
    await write(forward, THEIRS);
    return new Response(null, { status: 503 });
  });
  await assert.rejects(repository.putManifest("1", OURS, { ifMatch: digestOf(BASE) }), { code: "CONFLICT" });
  assert.equal((await direct.headManifest("1"))?.digest, digestOf(THEIRS));
});

Deno.test("a conditional write is not sent if the tag already names the manifest", async () => {
  const { repository } = await tampered(() => Promise.reject(new Error("nothing is to be written")));
  const written = await repository.writeManifest("1", BASE, { ifMatch: digestOf(BASE) });
  assert.deepEqual(written, { digest: digestOf(BASE), unchanged: true });
});

Deno.test("a tag that already names the manifest is a conflict, unless the write may have been made before", async () => {
  const { repository } = await tampered(() => Promise.reject(new Error("nothing is to be written")));
  for (const ifMatch of [null, digestOf(THEIRS)]) {
    await assert.rejects(repository.putManifest("1", BASE, { ifMatch }), { code: "CONFLICT" });
    const written = await repository.writeManifest("1", BASE, { ifMatch, repeated: true });
    assert.deepEqual(written, { digest: digestOf(BASE), unchanged: false });
  }
});

Deno.test("a tag that shows its old manifest, or none, for a moment after the write is read again", async () => {
  const registry = createRegistry({ storage: createMemoryStorage() });
  const open = (fetch: Fetch) =>
    new RegistryClient("r.example", { fetch, timeouts: { retryDelay: 1 } }).repository("app");
  await open(registry.fetch).putManifest("1", BASE);
  const before = await registry.fetch(new Request("https://r.example/v2/app/manifests/1", { method: "HEAD" }));
  for (const answer of [before, { status: 404 }]) {
    await open(registry.fetch).putManifest("1", BASE);
    let stale = 0;
    const repository = open(async (request) => {
      if (request.method !== "PUT" && stale-- > 0) return new Response(null, answer);
      if (request.method === "PUT") stale = 2;
      return await registry.fetch(request);
    });
    assert.equal(await repository.putManifest("1", OURS, { ifMatch: digestOf(BASE) }), digestOf(OURS));
  }
});

Deno.test("a referrer that a registry does not accept twice is not listed twice", async () => {
  const subject = { mediaType: MEDIA_TYPES.ociIndex, digest: digestOf(BASE), size: BASE.length };
  const referrer = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [], subject });
  const { repository, direct } = await tampered(() => Promise.resolve(new Response(null, { status: 412 })));
  await direct.putManifest("1", referrer);
  assert.equal(await repository.putManifest("1", referrer), digestOf(referrer));
  assert.equal(await direct.headManifest(`sha256-${digestOf(BASE).slice(7)}`), undefined);
});

/** Durations of requests in milliseconds, and the waits for slower writers that follow from them. */
const settling: [name: string, durations: Record<"GET" | "HEAD" | "PUT", number>, wait: number][] = [
  ["four times as long as between look and write in the registry", { GET: 20, HEAD: 30, PUT: 45 }, 4 * (30 + 45 - 20)],
  ["a look that is the fastest answer is not longer than the way", { GET: 90, HEAD: 30, PUT: 45 }, 4 * 45],
  ["not less than 100 ms", { GET: 1, HEAD: 2, PUT: 3 }, 100],
  ["not more than 15 s", { GET: 1, HEAD: 3000, PUT: 4000 }, 15_000],
];

for (const [name, durations, wait] of settling) {
  Deno.test(`a conditional write waits for slower writers: ${name}`, async () => {
    const registry = createRegistry({ storage: createMemoryStorage() });
    const direct = new RegistryClient("r.example", { fetch: registry.fetch }).repository("app");
    await direct.putManifest("1", BASE);
    const { now } = performance;
    using timers = new HeldTimers(wait);
    let clock = 0;
    try {
      const looks: string[] = [];
      const fetch: Fetch = async (request) => {
        clock += durations[request.method as keyof typeof durations];
        looks.push(request.method);
        return await registry.fetch(request);
      };
      performance.now = () => clock;
      const repository = new RegistryClient("r.example", { fetch }).repository("app");
      await repository.getManifest("1");
      const writing = repository.putManifest("1", OURS, { ifMatch: digestOf(BASE) });
      await runPending();
      // The second look begins when the wait is over.
      assert.deepEqual(looks, ["GET", "GET", "HEAD", "PUT"]);
      timers.fire();
      assert.equal(await writing, digestOf(OURS));
      assert.deepEqual(looks, ["GET", "GET", "HEAD", "PUT", "HEAD"]);
    } finally {
      performance.now = now;
    }
  });
}
