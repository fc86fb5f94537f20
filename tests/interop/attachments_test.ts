/** Signatures that are attached to an image in a registry, as skopeo carries them there and away. */
import assert from "node:assert/strict";
import type { Repository } from "../../src/registry/mod.ts";
import {
  attachedSignature,
  attachmentTag,
  attachSignatures,
  encodeSignature,
  generateSigstoreKeyPair,
  MAX_SIGNATURE_SIZE,
  openSigstoreSigner,
  parseAttachment,
  parseSignature,
  type SigstoreSignature,
  type StoredAttachment,
} from "../../src/signature/mod.ts";
import { type Descriptor, parseReference, readBlob } from "../../src/spec/mod.ts";
import { folderTest } from "../support/folders.ts";
import { clientOf, encode, makeImage, pushImage } from "../support/images.ts";
import { ok } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";

const image = makeImage({ architecture: "amd64" });
const TAG = attachmentTag(image.digest);

async function readStored(repository: Repository): Promise<StoredAttachment> {
  const { bytes } = (await repository.getManifest(TAG))!;
  return { manifest: bytes, config: await fetchBlob(repository, parseAttachment(bytes).config) };
}

async function fetchBlob(repository: Repository, descriptor: Descriptor): Promise<Uint8Array<ArrayBuffer>> {
  return await readBlob(await repository.getBlob(descriptor), descriptor, MAX_SIGNATURE_SIZE);
}

async function attach(repository: Repository, stored: StoredAttachment | undefined, ...added: SigstoreSignature[]) {
  const { manifest, blobs } = attachSignatures(stored, added)!;
  for (const { descriptor, bytes } of blobs) {
    await repository.putBlob(descriptor, new Blob([bytes]).stream() as ReadableStream<Uint8Array<ArrayBuffer>>);
  }
  await repository.putManifest(TAG, manifest);
}

folderTest("skopeo reads what we attach, adds nothing twice, and its attachments grow here", async (folder) => {
  await using registry = startEmbedded();
  const repository = clientOf(registry.host).repository("app");
  await pushImage(repository, image, "1");
  const pair = await generateSigstoreKeyPair(encode("pw"));
  await using signer = await openSigstoreSigner(encode(pair.privateKey), { passphrase: encode("pw") });
  const sign = (name: string) => signer.sign(image.manifest, parseReference(name));
  const [first, second, third] = [await sign("a.b/c:1"), await sign("a.b/c:2"), await sign("a.b/c:3")];
  await Deno.mkdir(`${folder}/registries.d`);
  await Deno.writeTextFile(`${folder}/registries.d/on.yaml`, "default-docker:\n  use-sigstore-attachments: true\n");
  const skopeo = async (from: string, to: string) => {
    const plain = from.startsWith("docker:") ? "--src-tls-verify=false" : "--dest-tls-verify=false";
    await ok(["skopeo", "--insecure-policy", "--registries.d", `${folder}/registries.d`, "copy", plain, from, to]);
  };
  const remote = `docker://${registry.host}/app:1`;

  await attach(repository, undefined, first, second);
  await skopeo(remote, `dir:${folder}/copy`);
  const files = await Promise.all(["1", "2"].map((n) => Deno.readFile(`${folder}/copy/signature-${n}`)));
  assert.deepEqual(files, [encodeSignature(first), encodeSignature(second)]);
  assert.deepEqual(parseSignature(files[0]!), first);

  const before = (await readStored(repository)).manifest;
  await skopeo(`dir:${folder}/copy`, remote);
  assert.deepEqual((await readStored(repository)).manifest, before);

  await Deno.writeFile(`${folder}/copy/signature-3`, encodeSignature(third));
  await skopeo(`dir:${folder}/copy`, remote);
  const grown = await readStored(repository);
  const config = attachSignatures(undefined, [first, second])!.blobs.at(-1)!.bytes;
  const ours = attachSignatures({ manifest: before, config }, [third])!;
  assert.deepEqual(ours.manifest, grown.manifest);
  const { layers } = parseAttachment(grown.manifest);
  const read = await Promise.all(
    layers.map(async (layer) => attachedSignature(layer, await fetchBlob(repository, layer))),
  );
  assert.deepEqual(read, [first, second, third]);
}, ["skopeo"]);
