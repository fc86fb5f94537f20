// deno-lint-ignore-file no-console -- A script says what it did.
/**
 * Copies an index with all its images from staging to production if it is signed with the key of staging, and signs the
 * index and its images with the key of production. Digests do not change.
 *
 *     deno run --allow-net=quay.io --allow-read=staging.pub,production.key \
 *       --allow-env=REGISTRY_USER,REGISTRY_PASSWORD,COSIGN_PASSWORD \
 *       promote.ts quay.io/staging/app:1.0 quay.io/me/app:1.0 staging.pub production.key
 */
import { copyIndex } from "@multiarch/manifests/remote";
import { createPolicy, createSignaturePolicy, openSigstoreSigner } from "@multiarch/manifests/signature";
import { readOptions } from "./options.ts";

const { args, systemContext } = readOptions("promote.ts SOURCE TARGET PUBLIC-KEY PRIVATE-KEY");
const [source, target, publicKey, privateKey] = args;
const policy = createPolicy({
  default: [{
    type: "sigstoreSigned",
    keyData: (await Deno.readFile(publicKey!)).toBase64(),
    signedIdentity: { type: "matchRepository" },
  }],
});
const passphrase = new TextEncoder().encode(Deno.env.get("COSIGN_PASSWORD"));
await using signer = await openSigstoreSigner(await Deno.readFile(privateKey!), { passphrase });
const { digest, instances } = await copyIndex(source!, target!, {
  systemContext: { ...systemContext, dockerUseSigstoreAttachments: true },
  signaturePolicy: createSignaturePolicy(policy),
  signers: [signer],
});
console.log(`${digest} with ${instances.size} images`);
