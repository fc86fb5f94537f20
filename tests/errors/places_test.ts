/** Errors say which document or place they are about, so that a user knows where to look. */
import assert from "node:assert/strict";
import { create, createMemoryStore, fetchManifest, loadFromImage, validateImage } from "../../mod.ts";
import { RegistryClient } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import {
  createPolicy,
  createSignaturePolicy,
  generateSigstoreKeyPair,
  openSigstoreSigner,
} from "../../src/signature/mod.ts";
import { type Credentials, digestOf, MEDIA_TYPES, parseReference } from "../../src/spec/room.ts";
import { describe, encode, makeImage, pushImage } from "../support/images.ts";

const HOST = "registry.example";

/** A registry in memory, with its requests. */
function makeRegistry() {
  const { fetch } = createRegistry({ storage: createMemoryStorage() });
  return { systemContext: { fetch }, repository: new RegistryClient(HOST, { fetch }).repository("app") };
}

Deno.test("an error about a list names the list and its store", async () => {
  await using store = createMemoryStore();
  const manifest = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [], layers: [] });
  const data = [{ key: "manifest", bytes: manifest }, { key: "instances.json", bytes: encode("{}") }];
  await store.createImage({ names: ["localhost/app:latest"], data });
  await assert.rejects(loadFromImage(store, "app"), {
    code: "AMBIGUOUS_MANIFEST",
    message: `Cannot use list "localhost/app:latest" of ${store.location}: Cannot accept an ambiguous manifest: ` +
      "one of type application/vnd.oci.image.index.v1+json must not have layers",
  });
});

Deno.test("an error about the configuration of an image names it and the image", async () => {
  const { systemContext, repository } = makeRegistry();
  const bytes = encode("[]");
  const config = describe(MEDIA_TYPES.ociConfig, bytes);
  await repository.putBlob(config, new Blob([bytes]).stream());
  await repository.putManifest(
    "1",
    encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config, layers: [] }),
  );
  const place = `configuration ${digestOf(bytes)} of docker://${HOST}/app:1: not a JSON object`;
  await assert.rejects(create().add(`${HOST}/app:1`, { systemContext }), {
    code: "INVALID_JSON",
    message: `Cannot read ${place}`,
  });
  const { problems } = await validateImage(`${HOST}/app:1`, { systemContext });
  assert.match(problems[0]!.problem, new RegExp(RegExp.escape(place)));
});

Deno.test("an error about a key of a policy names the key's file", async () => {
  const passphrase = encode("passphrase");
  const { privateKey } = await generateSigstoreKeyPair(passphrase);
  await using signer = await openSigstoreSigner(encode(privateKey), { passphrase });
  const { manifest } = makeImage({ architecture: "amd64" });
  const signature = await signer.sign(manifest, parseReference(`${HOST}/app:1`));
  const policy = createPolicy({ default: [{ type: "sigstoreSigned", keyPaths: ["/keys/one.pub", "/keys/two.pub"] }] });
  const { assertAllowed } = createSignaturePolicy(policy, { readFile: () => Promise.resolve(encode("nonsense")) });
  const image = { transport: "docker", identity: `${HOST}/app:1`, namespaces: [HOST], digest: digestOf(manifest) };
  const readSignatures = () => Promise.resolve([signature]);
  await assert.rejects(assertAllowed({ ...image, manifest, readSignatures }), {
    code: "POLICY_REJECTED",
    message: /Cannot read public key: it is not a PEM file: check "\/keys\/one.pub", "\/keys\/two.pub" of the policy$/,
  });
});

Deno.test("an error about a blob names its repository", async () => {
  const { fetch } = createRegistry({ storage: createMemoryStorage() });
  const image = makeImage({ architecture: "amd64" });
  await pushImage(new RegistryClient(HOST, { fetch }).repository("app"), image, "1");
  const cut = async (request: Request) => {
    const response = await fetch(request);
    return /\/blobs\/sha256/.test(request.url) ? new Response("x", { headers: { "content-length": "1" } }) : response;
  };
  await assert.rejects(create().add(`${HOST}/app:1`, { systemContext: { fetch: cut } }), {
    code: "SIZE_MISMATCH",
    message: new RegExp(`^Cannot read blob ${HOST}/app@sha256:[0-9a-f]{64}: its size differs`),
  });
});

Deno.test("a refusal without credentials says that none were used", async () => {
  const access = { scheme: "basic" as const, users: { me: "secret" } };
  const { fetch } = createRegistry({ storage: createMemoryStorage(), access });
  const hint = "; no credentials were used for registry.example: log in, or give credentials";
  const unset = { [HOST]: { username: undefined, password: undefined } as unknown as Credentials };
  for (const systemContext of [{ fetch }, { fetch, credentials: unset }]) {
    await assert.rejects(fetchManifest(`${HOST}/app:1`, { systemContext }), (error: Error) => {
      assert.ok(error.message.endsWith(hint), error.message);
      return true;
    });
  }
  const credentials = { [HOST]: { username: "me", password: "wrong" } };
  await assert.rejects(fetchManifest(`${HOST}/app:1`, { systemContext: { fetch, credentials } }), {
    code: "UNAUTHORIZED",
    message: /; the registry rejected the credentials for registry.example$/,
  });
});
