/** `composeIndex` with several names: what is written, in which order, and what is said about failures. */
import assert from "node:assert/strict";
import { PublishError } from "../../src/actions/room.ts";
import { composeIndex } from "../../src/system/remote/room.ts";
import type { Signer, SigstoreSignature } from "../../src/signature/room.ts";
import { digestOf } from "../../src/spec/room.ts";
import { ComposeWorld, images, ONE, TWO } from "../support/compose_world.ts";
import { encode } from "../support/images.ts";

const AT = (tag: string) => `${ONE}/app:${tag}`;

Deno.test("several names in one repository: each is one write, and bare tags are in the target's repository", async () => {
  const world = new ComposeWorld();
  await world.push(images("amd64", "arm64"));
  const { systemContext } = world;
  const result = await composeIndex({
    target: AT("1.2"),
    tags: ["1", AT("latest"), "1"],
    sources: [AT("amd64"), AT("arm64")],
    systemContext,
  });
  assert.deepEqual(world.writes, [
    `PUT ${ONE}/app/manifests/1.2`,
    `PUT ${ONE}/app/manifests/1`,
    `PUT ${ONE}/app/manifests/latest`,
  ]);
  const state = { digest: result.digest, previous: null, state: "written" };
  assert.deepEqual(result.published, ["1.2", "1", "latest"].map((tag) => ({ reference: AT(tag), ...state })));
  for (const tag of ["1.2", "1", "latest"]) assert.equal(await world.digest(tag), result.digest);
});

Deno.test("a repeated call writes nothing, and reports all names as unchanged", async () => {
  const world = new ComposeWorld();
  await world.push(images("amd64", "arm64"));
  const { systemContext } = world;
  const compose = () =>
    composeIndex({
      target: AT("1"),
      tags: [`${TWO}/copy:1`, `${TWO}/copy:latest`],
      sources: [AT("amd64"), AT("arm64")],
      systemContext,
    });
  const first = await compose();
  world.requests.length = 0;
  const second = await compose();
  assert.deepEqual(world.requests.filter((request) => !/^(GET|HEAD) /.test(request)), []);
  assert.equal(second.unchanged, true);
  assert.equal(second.digest, first.digest);
  assert.deepEqual(second.published.map(({ state }) => state), ["unchanged", "unchanged", "unchanged"]);
});

Deno.test("several registries: all content comes before the first name, and each image is written once per repository", async () => {
  const world = new ComposeWorld();
  await world.push(images("amd64", "arm64"));
  const { systemContext } = world;
  const { digest } = await composeIndex({
    target: AT("1"),
    tags: [`${TWO}/copy:1`, `${TWO}/copy:latest`],
    sources: [AT("amd64"), AT("arm64")],
    systemContext,
  });
  const names = ["app/manifests/1", "copy/manifests/1", "copy/manifests/latest"];
  const isName = (request: string) => names.some((name) => request.endsWith(`/${name}`));
  const first = world.writes.findIndex(isName);
  assert.ok(
    world.writes.slice(0, first).every((request) => request.includes("/manifests/sha256:")),
    String(world.writes),
  );
  assert.ok(world.writes.slice(first).every(isName), String(world.writes));
  // The two images are already in the first repository; each repository gets the index once by digest.
  assert.equal(new Set(world.writes).size, world.writes.length);
  assert.equal(world.writes.length, 1 + (2 + 1) + 3);
  assert.equal(await world.digest("latest", "copy", TWO), digest);
});

Deno.test("a registry that is down: no name is written anywhere, and the error says so", async () => {
  const world = new ComposeWorld();
  await world.push(images("amd64"));
  const { systemContext } = world;
  world.intercept = (_request, text) =>
    /^(PUT|POST|PATCH) two/.test(text) ? new Response("down", { status: 503 }) : undefined;
  const composing = composeIndex({
    target: AT("1"),
    tags: ["latest", `${TWO}/copy:1`],
    sources: [AT("amd64")],
    systemContext,
  });
  const error = await composing.then(() => assert.fail(), (error) => error);
  assert.ok(error instanceof PublishError, String(error));
  assert.equal(error.code, "REGISTRY_ERROR");
  assert.deepEqual(error.published.map(({ reference, state }) => [reference, state]), [
    [AT("1"), "skipped"],
    [AT("latest"), "skipped"],
    [`${TWO}/copy:1`, "failed"],
  ]);
  assert.match(
    error.message,
    /Failed: two\.example\/copy:1\. Not written: one\.example\/app:1, one\.example\/app:latest/,
  );
  assert.equal(await world.digest("1"), undefined);
  assert.equal(await world.digest("latest"), undefined);
});

Deno.test("a registry that refuses one name: the others are written, and the error says which", async () => {
  const world = new ComposeWorld();
  await world.push(images("amd64"));
  const { systemContext } = world;
  world.intercept = (_request, text) =>
    text === `PUT ${ONE}/app/manifests/1.0`
      ? Response.json({ errors: [{ code: "DENIED", message: "The tag is immutable." }] }, { status: 403 })
      : undefined;
  const composing = composeIndex({ target: AT("1"), tags: ["1.0", "latest"], sources: [AT("amd64")], systemContext });
  const error = await composing.then(() => assert.fail(), (error) => error);
  assert.ok(error instanceof PublishError, String(error));
  assert.equal(error.code, "DENIED");
  assert.deepEqual(error.published.map(({ state }) => state), ["written", "failed", "written"]);
  assert.match(error.message, /[^.]\. Written: /);
  assert.notEqual(await world.digest("latest"), undefined);
});

Deno.test("a registry that refuses the first name: the others are not tried, and no other is called failed", async () => {
  const world = new ComposeWorld();
  await world.push(images("amd64"));
  const { systemContext } = world;
  world.intercept = (_request, text) =>
    text === `PUT ${ONE}/app/manifests/1`
      ? Response.json({ errors: [{ code: "DENIED" }] }, { status: 403 })
      : undefined;
  const states = async (...tags: string[]) => {
    const error = await composeIndex({ target: AT("1"), tags, sources: [AT("amd64")], systemContext })
      .then(() => assert.fail(), (error) => error);
    assert.ok(error instanceof PublishError, String(error));
    return error.published.map(({ state }) => state);
  };
  assert.deepEqual(await states("1.0"), ["failed", "skipped"]);
  // With several repositories, the content is everywhere before: then, all names are tried.
  assert.deepEqual(await states("1.0", `${TWO}/copy:1`), ["failed", "written", "written"]);
});

Deno.test("a copy that another registry's failure aborts is not called failed", async () => {
  const world = new ComposeWorld();
  await world.push(images("amd64"));
  const { systemContext } = world;
  // The healthy registry answers only after the other one has failed.
  const failed = Promise.withResolvers<void>();
  const fetch = async (request: Request) => {
    const { host } = new URL(request.url);
    if (request.method === "PUT" && host === TWO) {
      setTimeout(failed.resolve);
      return Response.json({ errors: [{ code: "DENIED" }] }, { status: 403 });
    }
    if (request.method === "PUT" && host === ONE) await failed.promise;
    request.signal.throwIfAborted();
    return await systemContext.fetch!(request);
  };
  const options = { target: `${ONE}/copy:1`, tags: [`${TWO}/copy:1`], sources: [AT("amd64")] };
  const error = await composeIndex({ ...options, systemContext: { ...systemContext, fetch } })
    .then(() => assert.fail(), (error) => error);
  assert.deepEqual(error.published.map(({ state }: { state: string }) => state), ["skipped", "failed"]);
});

Deno.test("an immutable name that has the index already is unchanged", async () => {
  const world = new ComposeWorld();
  await world.push(images("amd64"));
  const { systemContext } = world;
  const compose = (...tags: string[]) => composeIndex({ target: AT("1"), tags, sources: [AT("amd64")], systemContext });
  await compose();
  world.intercept = (_request, text) =>
    text === `PUT ${ONE}/app/manifests/1`
      ? Response.json({ errors: [{ code: "DENIED" }] }, { status: 409 })
      : undefined;
  const { published } = await compose("latest");
  assert.deepEqual(published.map(({ state }) => state), ["unchanged", "written"]);
});

Deno.test("a dry run writes nothing, and returns the index and the names that would change", async () => {
  const world = new ComposeWorld();
  await world.push(images("amd64", "arm64"));
  const { systemContext } = world;
  const options = { target: AT("1"), sources: [AT("amd64"), AT("arm64")], systemContext };
  const { digest } = await composeIndex(options);
  const plan = await composeIndex({ ...options, tags: ["new"], dryRun: true });
  assert.equal(plan.digest, digest);
  assert.deepEqual(plan.published.map(({ state, previous }) => [state, previous]), [["unchanged", digest], [
    "planned",
    null,
  ]]);
  assert.equal(await world.digest("new"), undefined);
});

Deno.test("ifMatch: null writes a name only if it does not exist", async () => {
  const world = new ComposeWorld();
  await world.push(images("amd64", "arm64"));
  const { systemContext } = world;
  const compose = (...sources: string[]) =>
    composeIndex({ target: AT("1"), sources, ifMatch: null, systemContext: { ...systemContext, retryDelay: 0 } });
  const { digest } = await compose(AT("amd64"));
  await assert.rejects(compose(AT("arm64")), { code: "CONFLICT" });
  assert.equal(await world.digest("1"), digest);
});

Deno.test("a name that may not be read before its first push is written, and its state before is not known", async () => {
  const world = new ComposeWorld();
  await world.push(images("amd64"));
  world.intercept = (request, text) =>
    request.method === "HEAD" && text.includes("/new/") ? new Response(null, { status: 401 }) : undefined;
  const target = `${ONE}/new:1`;
  const { published } = await composeIndex({ target, sources: [AT("amd64")], systemContext: world.systemContext });
  assert.deepEqual(published.map(({ state, previous }) => [state, previous]), [["written", undefined]]);
  assert.ok(await world.digest("1", "new"));
});

Deno.test("several registries: each manifest is signed once in each repository, for each of its names", async () => {
  const world = new ComposeWorld();
  await world.push(images("amd64"));
  const signed: string[] = [];
  const signer: Signer<SigstoreSignature> = {
    kind: "sigstore",
    description: "a test",
    sign(manifest, name) {
      signed.push(`${name} ${digestOf(manifest)}`);
      const mediaType = "application/vnd.dev.cosign.simplesigning.v1+json";
      const annotations = { "dev.cosignproject.cosign/signature": "c2ln" };
      return Promise.resolve({ kind: "sigstore", mediaType, payload: encode(signed.at(-1)), annotations });
    },
  };
  const { digest, instances } = await composeIndex({
    target: AT("1"),
    tags: [AT("2"), `${TWO}/copy:1`],
    sources: [AT("amd64")],
    signers: [signer],
    systemContext: { ...world.systemContext, dockerUseSigstoreAttachments: true },
  });
  const [image] = instances.values();
  const names = [AT("1"), AT("2"), `${TWO}/copy:1`];
  assert.deepEqual(signed.sort(), names.flatMap((name) => [`${name} ${digest}`, `${name} ${image}`]).sort());
});
