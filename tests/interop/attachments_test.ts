/** Signatures that are attached to an image in a registry, as skopeo carries them there and away. */
import assert from "node:assert/strict";
import {
  attachSignatures,
  encodeSignature,
  generateSigstoreKeyPair,
  openSigstoreSigner,
  parseSignature,
} from "../../src/signature/room.ts";
import { parseReference } from "../../src/spec/room.ts";
import { attach, readAttached, readStored } from "../support/attachments.ts";
import { folderTest } from "../support/folders.ts";
import { clientOf, encode, makeImage, pushImage } from "../support/images.ts";
import { ok } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";

const image = makeImage({ architecture: "amd64" });

folderTest("skopeo reads our attachments and adds nothing twice, and we add to its attachments", async (folder) => {
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

  await attach(repository, image.digest, undefined, first, second);
  await skopeo(remote, `dir:${folder}/copy`);
  const files = await Promise.all(["1", "2"].map((n) => Deno.readFile(`${folder}/copy/signature-${n}`)));
  assert.deepEqual(files, [encodeSignature(first), encodeSignature(second)]);
  assert.deepEqual(parseSignature(files[0]!), first);

  const before = (await readStored(repository, image.digest)).manifest;
  await skopeo(`dir:${folder}/copy`, remote);
  assert.deepEqual((await readStored(repository, image.digest)).manifest, before);

  await Deno.writeFile(`${folder}/copy/signature-3`, encodeSignature(third));
  await skopeo(`dir:${folder}/copy`, remote);
  const grown = await readStored(repository, image.digest);
  const config = attachSignatures(undefined, [first, second])!.blobs.at(-1)!.bytes;
  const ours = attachSignatures({ manifest: before, config }, [third])!;
  assert.deepEqual(ours.manifest, grown.manifest);
  assert.deepEqual(await readAttached(repository, image.digest), [first, second, third]);
}, ["skopeo"]);
