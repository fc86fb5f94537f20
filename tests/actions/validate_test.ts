/** Tests `validateImage` with broken images and with unusual images that are valid. */
import assert from "node:assert/strict";
import { create, validateImage } from "../../mod.ts";
import { BROKEN_IMAGES, createBrokenRegistry, FOREIGN_LAYER } from "../support/broken_images.ts";

Deno.test("each problem of an image is reported once, and nothing else", async (t) => {
  const { fetch } = createBrokenRegistry();
  for (const [i, { name, problem, full }] of BROKEN_IMAGES.entries()) {
    await t.step(name, async () => {
      for (const everything of [false, true]) {
        const { problems } = await validateImage(`docker://registry.example/case${i}:1`, {
          full: everything,
          systemContext: { fetch: (request) => Promise.resolve(fetch(request)) },
        });
        const texts = problems.map((found) => found.problem);
        if (!problem || (full && !everything)) assert.deepEqual(texts, [], `full: ${everything}`);
        else {
          assert.equal(texts.length, 1, texts.join("\n"));
          assert.match(texts[0]!, problem);
        }
      }
    });
  }
});

const at = (name: string) =>
  `docker://registry.example/case${BROKEN_IMAGES.findIndex((image) => image.name === name)}:1`;

Deno.test("missing blobs are found with HEAD; blobs are read only for a full check", async () => {
  for (const full of [false, true]) {
    const { fetch, requests } = createBrokenRegistry();
    const systemContext = { fetch: (request: Request) => Promise.resolve(fetch(request)) };
    const { blobs } = await validateImage(at("an index"), { full, systemContext });
    assert.equal(blobs, 2);
    const asked = requests.filter((request) => request.endsWith("blobs")).sort();
    assert.deepEqual(asked, full ? ["GET blobs", "GET blobs"] : ["GET blobs", "HEAD blobs"]);
  }
});

Deno.test("a registry that does not answer HEAD is asked for the blob itself", async () => {
  for (const status of [403, 405, 501]) {
    const { fetch, requests } = createBrokenRegistry();
    const systemContext = {
      fetch: (request: Request) =>
        Promise.resolve(request.method === "HEAD" ? new Response(null, { status }) : fetch(request)),
    };
    assert.deepEqual((await validateImage(at("an index"), { systemContext })).problems, []);
    assert.equal(requests.filter((request) => request === "GET blobs").length, 2);
    const missing = await validateImage(at("a layer that is not there"), { systemContext });
    assert.equal(missing.problems.length, 1);
  }
});

Deno.test("asking for blobs needs no more than the right to pull", async () => {
  const { fetch } = createBrokenRegistry();
  const scopes = new Set<string | null>();
  const guarded = (request: Request): Response => {
    const { host, searchParams } = new URL(request.url);
    if (host === "auth.example") {
      scopes.add(searchParams.get("scope"));
      return Response.json({ token: "t" });
    }
    if (request.headers.has("authorization")) return fetch(request);
    const challenge = `Bearer realm="https://auth.example/token",service="s"`;
    return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
  };
  const image = at("an image");
  await validateImage(image, { systemContext: { fetch: (request) => Promise.resolve(guarded(request)) } });
  assert.deepEqual([...scopes], [`repository:${image.slice("docker://registry.example/".length, -2)}:pull`]);
});

Deno.test("layers at URLs that cannot be reached are not checked, which is not a problem", async () => {
  for (const answer of ["gone", "other", "right"] as const) {
    const { fetch } = createBrokenRegistry();
    const systemContext = {
      fetch: (request: Request) => {
        const { host } = new URL(request.url);
        if (host === "registry.example") return Promise.resolve(fetch(request));
        if (answer === "gone") return Promise.resolve(new Response(null, { status: 404 }));
        return Promise.resolve(new Response(answer === "right" ? FOREIGN_LAYER : FOREIGN_LAYER.slice().reverse()));
      },
    };
    for (const full of [false, true]) {
      const found = await validateImage(at("a foreign layer"), { full, systemContext });
      const expected = { gone: [0, 1], other: full ? [1, 0] : [0, 0], right: [0, 0] }[answer];
      assert.deepEqual([found.problems.length, found.unchecked.length], expected, `${answer}, full: ${full}`);
    }
  }
});

Deno.test("a list with artifacts of files is validated without a push", async () => {
  const list = create();
  await list.addArtifact(["README.md"], { artifactType: "application/vnd.example" });
  for (const full of [false, true]) {
    const { problems, unchecked } = await validateImage(list.reference(), { full });
    assert.deepEqual([problems, unchecked], [[], []]);
  }
});
