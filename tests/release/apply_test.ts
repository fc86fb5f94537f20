/** Releases against registries in memory: what is written, what is not, and what the lock says afterwards. */
import assert from "node:assert/strict";
import { applyFile, formatReleaseLock, parseReleaseFile, type ReleaseHost } from "../../src/release/room.ts";
import { generateSigstoreKeyPair, openSigstoreSigner } from "../../src/signature/room.ts";
import { REMOTE_RUNTIME, verifyAttestations } from "../../src/system/remote/room.ts";
import { encode } from "../support/images.ts";
import { makeReleaseWorld } from "../support/release_world.ts";

const RELEASE = `version: 1
releases:
  app:
    targets: [a.example/app, b.example/app]
    tags: ["1.2.3", latest]
    sources: [a.example/app:amd64, a.example/app:arm64]
    require: [linux/amd64, linux/arm64]
`;
const TAGS = ["a.example/app:1.2.3", "a.example/app:latest", "b.example/app:1.2.3", "b.example/app:latest"];
/** The same release for another version. */
const next = (version: string) => RELEASE.replace("1.2.3", version);
const tagWrites = (writes: readonly string[]) => writes.filter((write) => /\/manifests\/(?!sha256)/.test(write));

Deno.test("apply publishes in all registries, and then has nothing to do", async () => {
  const world = await makeReleaseWorld();
  assert.deepEqual(await world.steps(RELEASE), TAGS.map((tag) => `add ${tag}`));
  assert.deepEqual(world.writes, []);
  const { releases: [app] } = await world.apply(RELEASE);
  for (const tag of TAGS) assert.equal(await world.digestOf(tag), app!.index);
  const firstTag = world.writes.findIndex((write) => tagWrites([write]).length > 0);
  assert.ok(world.writes.slice(firstTag).every((write) => tagWrites([write]).length > 0), "content first, then tags");
  assert.deepEqual(world.lock.releases.app, {
    sources: {
      "a.example/app:amd64": await world.digestOf("a.example/app:amd64"),
      "a.example/app:arm64": await world.digestOf("a.example/app:arm64"),
    },
    index: app!.index,
    tags: Object.fromEntries(TAGS.map((tag) => [tag, app!.index])),
  });
  const before = formatReleaseLock(world.lock);
  assert.deepEqual(await world.steps(RELEASE), TAGS.map((tag) => `keep ${tag}`));
  await world.apply(RELEASE);
  assert.deepEqual(world.writes, []);
  assert.equal(formatReleaseLock(world.lock), before);
});

Deno.test("apply attaches provenance in all registries before their tags, signed with the key of the file", async () => {
  const passphrase = encode("pw");
  const { privateKey, publicKey } = await generateSigstoreKeyPair(passphrase);
  const world = await makeReleaseWorld();
  const host: ReleaseHost = {
    runtime: REMOTE_RUNTIME,
    openSigners: async (keys) => {
      assert.deepEqual(keys, [{ key: "env:KEY", passphrase: "env:PASSWORD" }]);
      const signer = await openSigstoreSigner(encode(privateKey), { passphrase });
      return { signers: [signer], [Symbol.asyncDispose]: () => signer[Symbol.asyncDispose]() };
    },
    findBuilder: () => ({ id: "https://ci.example/1" }),
  };
  const file = `${RELEASE}    provenance: { key: "env:KEY", passphrase: "env:PASSWORD", as: tag }\n`;
  const call = { systemContext: world.systemContext };
  await applyFile(host, await parseReleaseFile(file), world.store, call);
  const policy = { publicKeys: [encode(publicKey)], assembly: true, builderIds: ["https://ci.example/1"] };
  for (const tag of TAGS) {
    const { allowed, attestations } = await verifyAttestations(tag, { ...policy, ...call });
    assert.ok(allowed, JSON.stringify(attestations));
    assert.equal(attestations[0]?.form, "tag");
  }
  const at = (text: string) => world.writes.findIndex((write) => write.includes(text));
  for (const name of ["a", "b"]) assert.ok(at(`${name}.example/v2/app/manifests/sha256-`) < at("/manifests/1.2.3"));
});

Deno.test("apply uses the digests of the lock until it is told to update them", async () => {
  const world = await makeReleaseWorld();
  await world.pin(RELEASE);
  const pinned = await world.digestOf("a.example/app:amd64");
  const moved = await world.push("a.example/app:amd64", "amd64", "built again");
  const { releases: [first] } = await world.apply(RELEASE, { frozen: true });
  assert.equal(first!.entries[0]!.digest, pinned);
  assert.deepEqual(await world.steps(RELEASE), TAGS.map((tag) => `keep ${tag}`));
  assert.deepEqual(await world.steps(RELEASE, { update: true }), TAGS.map((tag) => `move ${tag}`));
  const { releases: [second] } = await world.apply(RELEASE, { update: true });
  assert.equal(second!.entries[0]!.digest, moved);
  assert.equal(world.lock.releases.app!.sources["a.example/app:amd64"], moved);
  await world.pin(RELEASE);
  assert.equal(world.lock.releases.app!.sources["a.example/app:amd64"], moved);
});

Deno.test("a frozen lock must have exactly the sources of the file", async () => {
  const world = await makeReleaseWorld();
  const frozen = { frozen: true };
  await assert.rejects(world.apply(RELEASE, frozen), {
    code: "LOCK_OUTDATED",
    message:
      "Cannot use the lock file of the release app: it does not have the source a.example/app:amd64: run manifests release lock, and commit the lock file",
  });
  assert.deepEqual([world.writes, world.lock.releases], [[], {}]);
  await world.pin(RELEASE);
  const fewer = RELEASE.replace(", a.example/app:arm64", "").replace(", linux/arm64", "");
  await assert.rejects(world.apply(fewer, frozen), /it has a.example\/app:arm64, which is not a source any more/);
  const optional = RELEASE.replace(
    "[a.example/app:amd64,",
    "[{ image: a.example/app:riscv64, optional: true }, a.example/app:amd64,",
  );
  await world.push("a.example/app:riscv64", "riscv64");
  await world.apply(optional, frozen);
  assert.equal((await world.plan(optional, frozen)).releases[0]!.entries.length, 2);
  assert.equal((await world.plan(optional)).releases[0]!.entries.length, 3);
});

Deno.test("a source with a tag and a digest is the image with the digest, and needs no pin", async () => {
  const world = await makeReleaseWorld();
  const { sources } = (await world.plan(RELEASE)).releases[0]!;
  const exact = RELEASE.replace("app:amd64,", `app:moved@${sources["a.example/app:amd64"]},`);
  assert.equal((await world.plan(exact)).releases[0]!.index, (await world.plan(RELEASE)).releases[0]!.index);
});

Deno.test("a missing source or platform stops the release before anything is written", async () => {
  const world = await makeReleaseWorld();
  const missing = RELEASE.replace("a.example/app:arm64]", "a.example/app:s390x]");
  await assert.rejects(world.apply(missing), { code: "NOT_FOUND" });
  const required = RELEASE.replace("linux/arm64]", "linux/s390x]");
  await assert.rejects(world.apply(required), { code: "NO_MATCHING_PLATFORM" });
  const both = `${RELEASE}  other:\n    to: [a.example/other:1]\n    sources: [a.example/other:missing]\n`;
  await assert.rejects(world.apply(both), { code: "NOT_FOUND" });
  assert.deepEqual([world.writes, world.lock.releases], [[], {}]);
});

Deno.test("a tag that somebody else moved or deleted is drift: nothing is written without force", async () => {
  const world = await makeReleaseWorld();
  await world.apply(RELEASE);
  const index = await world.digestOf("a.example/app:latest");
  const other = await world.push("b.example/app:latest", "amd64", "by hand");
  await world.repository("a.example/app").deleteManifest("latest");
  assert.deepEqual(await world.steps(RELEASE), [
    "keep a.example/app:1.2.3",
    "drift a.example/app:latest",
    "keep b.example/app:1.2.3",
    "drift b.example/app:latest",
  ]);
  await assert.rejects(world.apply(RELEASE), {
    code: "TAG_DRIFTED",
    message:
      "Cannot publish a.example/app:latest (deleted), b.example/app:latest (changed): another writer changed these tags after the last release: inspect them, or overwrite them with force (--force)",
  });
  assert.deepEqual(world.writes, []);
  assert.equal(await world.digestOf("b.example/app:latest"), other);
  await world.apply(RELEASE, { force: true });
  for (const tag of TAGS) assert.equal(await world.digestOf(tag), index);
});

Deno.test("an immutable tag is never moved", async () => {
  const world = await makeReleaseWorld();
  const immutable = `${RELEASE}    immutable: ["*.*.*"]\n`;
  await world.apply(immutable);
  await world.push("a.example/app:amd64", "amd64", "built again");
  await assert.rejects(world.apply(immutable, { update: true, force: true }), {
    code: "TAG_IMMUTABLE",
    message:
      "Cannot publish a.example/app:1.2.3 (immutable: *.*.*), b.example/app:1.2.3 (immutable: *.*.*): immutable tags must not move: publish a new tag",
  });
  assert.deepEqual(world.writes, []);
  await world.apply(immutable.replace("1.2.3", "1.2.4"), { update: true });
  assert.equal(await world.digestOf("a.example/app:latest"), await world.digestOf("b.example/app:1.2.4"));
});

Deno.test("a registry that fails in the middle leaves no tag, or tags that the next run completes", async () => {
  const world = await makeReleaseWorld();
  await world.apply(RELEASE);
  await world.push("a.example/app:amd64", "amd64", "built again");
  const text = next("1.2.4");
  const fail = (pattern: RegExp) => {
    world.intercept = ({ method, url }) =>
      method === "PUT" && pattern.test(url) ? new Response(null, { status: 500 }) : undefined;
  };
  fail(/b\.example.*sha256/);
  await assert.rejects(world.apply(text, { update: true }), { code: "REGISTRY_ERROR" });
  assert.deepEqual(tagWrites(world.writes), [], "no tag without the content everywhere");
  fail(/b\.example.*latest/);
  const written: string[] = [];
  const onTag = ({ reference }: { reference: string }) => written.push(reference);
  const old = world.lock.releases.app!.tags["b.example/app:latest"];
  await assert.rejects(world.apply(text, { update: true, onTag }), { code: "REGISTRY_ERROR" });
  assert.deepEqual(written, ["a.example/app:1.2.4", "a.example/app:latest", "b.example/app:1.2.4"]);
  const { index, tags } = world.lock.releases.app!;
  for (const tag of written) assert.equal(tags[tag], index);
  assert.equal(tags["b.example/app:latest"], old);
  world.intercept = () => undefined;
  assert.deepEqual(await world.steps(text), [
    "keep a.example/app:1.2.4",
    "keep a.example/app:latest",
    "keep b.example/app:1.2.4",
    "move b.example/app:latest",
    "leave a.example/app:1.2.3",
    "leave b.example/app:1.2.3",
  ]);
  await world.apply(text);
  assert.deepEqual(world.writes, ["PUT b.example/v2/app/manifests/latest"]);
  const digests = await Promise.all(["a.example/app:1.2.4", "b.example/app:latest"].map((tag) => world.digestOf(tag)));
  assert.equal(digests[0], digests[1]);
});

Deno.test("a run that was killed after a tag, before it recorded it, is not drift", async () => {
  const world = await makeReleaseWorld();
  await world.apply(RELEASE);
  await world.push("a.example/app:amd64", "amd64", "built again");
  const { update } = world.store;
  let updates = 0;
  world.store.update = (change) => ++updates > 1 ? Promise.reject(new Error("killed")) : update(change);
  await assert.rejects(world.apply(RELEASE, { update: true }), /killed/);
  world.store.update = update;
  await world.push("a.example/app:arm64", "arm64", "built again");
  assert.deepEqual(await world.steps(RELEASE, { update: true }), TAGS.map((tag) => `move ${tag}`));
});

Deno.test("a tag that another writer moves between plan and write is a conflict", async () => {
  const world = await makeReleaseWorld();
  await world.apply(RELEASE);
  await world.push("a.example/app:amd64", "amd64", "built again");
  let other: string | undefined;
  await assert.rejects(
    world.apply(RELEASE, {
      update: true,
      onPlan: async () => void (other = await world.push("b.example/app:latest", "amd64", "by hand")),
    }),
    { code: "CONFLICT" },
  );
  assert.equal(await world.digestOf("b.example/app:latest"), other);
  assert.deepEqual((await world.steps(RELEASE)).filter((step) => !step.startsWith("keep")), [
    "drift b.example/app:latest",
  ]);
});

Deno.test("jobs that apply the same release at the same time all succeed", async () => {
  const file = next("2.0.0"), single = file.replace(", b.example/app", "");
  for (const release of [file, single]) {
    const world = await makeReleaseWorld();
    await world.apply(RELEASE);
    const plans = await Promise.all(Array.from({ length: 6 }, () => world.apply(release)));
    const { index } = plans[0]!.releases[0]!;
    assert.equal(await world.digestOf("a.example/app:2.0.0"), index);
    assert.equal(world.lock.releases.app?.tags["a.example/app:2.0.0"], index);
  }
});

Deno.test("prune deletes the tags that only the lock has, by tag, and only those", async () => {
  const world = await makeReleaseWorld();
  const two = `${RELEASE}  other:\n    to: [a.example/other:1]\n    sources: [a.example/app:amd64]\n`;
  await world.apply(two);
  await world.push("a.example/app:by-hand", "amd64");
  const text = next("1.2.4");
  assert.deepEqual((await world.steps(text)).slice(4), [
    "leave a.example/app:1.2.3",
    "leave b.example/app:1.2.3",
    "leave a.example/other:1",
  ]);
  await world.apply(text);
  assert.ok(!world.writes.some((write) => write.startsWith("DELETE")));
  await world.apply(text, { prune: true });
  assert.deepEqual(world.writes, [
    "DELETE a.example/v2/app/manifests/1.2.3",
    "DELETE b.example/v2/app/manifests/1.2.3",
    "DELETE a.example/v2/other/manifests/1",
  ]);
  assert.equal(await world.digestOf("a.example/app:1.2.3"), undefined);
  assert.ok(await world.digestOf("a.example/app:by-hand") && await world.digestOf("a.example/app:1.2.4"));
  assert.deepEqual(Object.keys(world.lock.releases.app!.tags).length, 4);
  assert.equal(Object.hasOwn(world.lock.releases, "other"), false);
  await world.apply(text, { prune: true });
  assert.deepEqual(world.writes, []);
});

Deno.test("latest: semver does not go back to an older version", async () => {
  const world = await makeReleaseWorld();
  const release = (version: string) => RELEASE.replace('["1.2.3", latest]', `["${version}"]\n    latest: semver`);
  await world.apply(release("1.10.0"));
  const newest = await world.digestOf("a.example/app:latest");
  assert.ok(newest);
  await world.push("a.example/app:amd64", "amd64", "a fix for an old version");
  const { releases: [app] } = await world.apply(release("1.9.1"), { update: true });
  const holds = app!.tags.filter(({ action }) => action === "hold");
  assert.deepEqual(holds.map(({ reference, reason }) => [reference, reason]), [
    ["a.example/app:latest", "1.10.0 is newer than 1.9.1"],
    ["b.example/app:latest", "1.10.0 is newer than 1.9.1"],
  ]);
  assert.equal(await world.digestOf("a.example/app:latest"), newest);
  assert.ok(await world.digestOf("b.example/app:1.9.1"));
});

Deno.test("only the named releases are planned; an unknown one is an error", async () => {
  const world = await makeReleaseWorld();
  const two = `${RELEASE}  other:\n    to: [a.example/other:1]\n    sources: [a.example/other:missing]\n`;
  await world.apply(two, { names: ["app"] });
  assert.ok(await world.digestOf("a.example/app:1.2.3"));
  await assert.rejects(world.plan(two, { names: ["otter"] }), {
    code: "NOT_FOUND",
    message: 'Cannot find the release "otter" in manifests.yaml: did you mean other?',
  });
});

Deno.test("a key that cannot be opened is reported before anything is written, in whichever release it is", async () => {
  const world = await makeReleaseWorld();
  const signed =
    `${RELEASE}  other:\n    to: [a.example/other:1]\n    sources: [a.example/app:amd64]\n    sign: [{ key: "env:NONE" }]\n`;
  await assert.rejects(world.apply(signed), {
    code: "SIGNING_UNAVAILABLE",
    message: "Cannot sign the release other: its keys cannot be read here",
  });
  assert.deepEqual([world.writes, world.lock.releases], [[], {}]);
});

Deno.test("a registry that does not let a tag be written again still accepts a release that it has", async () => {
  const world = await makeReleaseWorld();
  await world.apply(RELEASE);
  world.lock = { version: 1, releases: {} };
  for (const status of [400, 403, 409, 412]) {
    world.intercept = ({ method, url }) =>
      method === "PUT" && url.endsWith("/b.example/v2/app/manifests/1.2.3")
        ? Response.json({ errors: [{ code: "TAG_INVALID", message: "the tag is immutable" }] }, { status })
        : undefined;
    await world.apply(RELEASE);
    assert.deepEqual(world.writes, []);
  }
  const refuse = (status: number) => {
    world.intercept = ({ method, url }) =>
      method === "PUT" && /\/\/b\.example\/v2\/app\/manifests\/[^s]/.test(url)
        ? new Response(null, { status })
        : undefined;
  };
  await world.push("a.example/app:amd64", "amd64", "built again");
  for (const status of [409, 412]) {
    refuse(status);
    await assert.rejects(world.apply(RELEASE, { update: true }), { name: "PublishError" });
    assert.ok((await world.steps(RELEASE)).every((step) => step.startsWith("keep a.") || step.startsWith("move b.")));
  }
});

Deno.test("the index of a release in Docker's format is published once, too", async () => {
  const world = await makeReleaseWorld();
  const docker = `${RELEASE}    format: v2s2\n`;
  await world.apply(docker);
  assert.deepEqual(await world.steps(docker), TAGS.map((tag) => `keep ${tag}`));
  await world.apply(docker);
  assert.deepEqual(world.writes, []);
});

Deno.test("a registry that cannot delete a tag alone: the tag stays, in the lock too, and the message says why", async () => {
  const world = await makeReleaseWorld();
  await world.apply(RELEASE);
  world.intercept = ({ method }) =>
    method === "DELETE"
      ? Response.json({ errors: [{ code: "UNSUPPORTED", message: "not by tag" }] }, { status: 405 })
      : undefined;
  await assert.rejects(world.apply(next("1.2.4"), { prune: true }), {
    code: "REGISTRY_ERROR",
    message:
      /^Cannot delete the tag a\.example\/app:1\.2\.3: the registry may not be able to delete a tag alone: .*405/,
  });
  assert.equal(await world.digestOf("a.example/app:1.2.4"), world.lock.releases.app!.tags["a.example/app:1.2.3"]);
  assert.ok(world.lock.releases.app!.tags["a.example/app:1.2.4"]);
});
