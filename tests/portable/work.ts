/**
 * A job for the portable exports, in any runtime. The report is the same everywhere: no host, time or random
 * number is in it.
 */
import { generateKey } from "openpgp";
import { RegistryClient, type Repository } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import {
  acceptAnything,
  createPolicy,
  createSignaturePolicy,
  createSimpleSigner,
  generateSigstoreKeyPair,
  openPgpKey,
  openSigstoreSigner,
  type SigstoreKeyPair,
  verifySigstoreSignature,
  verifySimpleSignature,
} from "../../src/signature/room.ts";
import {
  type Descriptor,
  digestOf,
  isManifestsError,
  MEDIA_TYPES,
  parseDigest,
  parseReference,
} from "../../src/spec/room.ts";
import { openKvStore } from "../../src/store/kv/room.ts";
import { createMemoryStore } from "../../src/store/room.ts";
import {
  annotateIndex,
  appendToIndex,
  composeIndex,
  copyIndex,
  create,
  inspectIndex,
  List,
  removeFromIndex,
  retag,
  type SystemContext,
  validateIndex,
  verifyAttestations,
} from "../../src/system/remote/room.ts";
import { platformTexts } from "../support/platform_texts.ts";

/** Two empty registries, each as `127.0.0.1:port`. */
export interface Hosts {
  readonly from: string;
  readonly to: string;
}

/** The digest or another result of each step. */
export type Report = Record<string, unknown>;

/** Larger than what is sent from memory in one request. */
const LARGE = 3 * 1024 * 1024;
const INSECURE: SystemContext = { dockerInsecureSkipTlsVerify: true, dockerUseSigstoreAttachments: true };
const PASSPHRASE = new TextEncoder().encode("secret");
const ARCHITECTURES = ["amd64", "arm64", "s390x"];

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const describe = (mediaType: string, bytes: Uint8Array): Descriptor => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
});

/** Does the whole job. */
export async function work({ from, to }: Hosts): Promise<Report> {
  const repository = new RegistryClient(from, { insecure: true }).repository("app");
  const images: string[] = [];
  for (const architecture of ARCHITECTURES) images.push(await pushImage(repository, architecture));
  const at = (architecture: string) => `${from}/app:${architecture}`;
  const edited = await editIndexes(`${from}/app:1`, ARCHITECTURES.map(at));
  return {
    images,
    ...edited,
    copies: await copyEverywhere(`${from}/app:1`, [`${from}/copy:1`, `${to}/copy:1`]),
    signed: await signAndJudge(`${from}/app:1`, [`${from}/signed:1`, `${to}/believed:1`]),
    simple: await signSimply(),
    list: await workInMemory([at("amd64"), at("arm64")]),
    codes: await collectCodes(from),
    hashes: (["sha256", "sha384", "sha512"] as const).map((algorithm) => digestOf(PASSPHRASE, algorithm)),
  };
}

/** Pushes an image whose layer is not small; `isCompressed` is what its type and first bytes say. */
async function pushImage(repository: Repository, architecture: string, isCompressed = true): Promise<string> {
  const layer = new Uint8Array(LARGE).map((_, i) => (i * 2654435761 >>> 13) + architecture.length);
  if (isCompressed) layer.set([0x1f, 0x8b, 8]);
  const layerType = isCompressed ? MEDIA_TYPES.ociLayerGzip : MEDIA_TYPES.ociLayer;
  const config = encode({ architecture, os: "linux", rootfs: { type: "layers", diff_ids: [digestOf(layer)] } });
  const blobs = [describe(layerType, layer), describe(MEDIA_TYPES.ociConfig, config)];
  for (const [i, bytes] of [layer, config].entries()) await repository.putBlob(blobs[i]!, new Blob([bytes]).stream());
  const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config: blobs[1], layers: [blobs[0]] };
  return await repository.putManifest(architecture, encode(manifest));
}

/** Edits an index as release pipelines do. */
async function editIndexes(index: string, [first, second, third]: string[]): Promise<Report> {
  const options = { systemContext: INSECURE };
  const annotations = { "org.opencontainers.image.version": "1.0" };
  const composed = await composeIndex({ target: index, sources: [first!, second!], annotations, ...options });
  const appended = await appendToIndex(index, [third!], options);
  const removed = await removeFromIndex(index, ["linux/arm64"], options);
  const change = { instance: "linux/s390x", annotations: { tested: "no" } };
  const annotated = await annotateIndex(index, change, options);
  const { digest, mediaType, instances } = await inspectIndex(index, options);
  return {
    digests: [composed.digest, appended.digest, removed.digest, annotated.digest, digest],
    mediaType,
    platforms: platformTexts(instances),
    tagged: await retag(index, ["2", "latest"], options),
    problems: (await validateIndex(index, options)).problems,
  };
}

/** Copies: within a registry blobs are mounted, to another one they are sent. */
async function copyEverywhere(index: string, targets: string[]): Promise<Report[]> {
  const key = await generateSigstoreKeyPair(PASSPHRASE);
  const unsigned = await codeOf(copyIndex(index, targets[0]!, judgedBy(key)));
  const reports: Report[] = [{ unsigned }];
  for (const target of targets) {
    const options = { systemContext: INSECURE, signaturePolicy: acceptAnything };
    const { digest, instances } = await copyIndex(index, target, options);
    const { problems } = await validateIndex(target, { systemContext: INSECURE });
    reports.push({ digest, instances: [...instances], problems });
  }
  return reports;
}

/** Signs an index with its images, and copies it under policies that want the key, and another one. */
async function signAndJudge(index: string, [target, copy]: string[]): Promise<Report> {
  const [key, other] = [await generateSigstoreKeyPair(PASSPHRASE), await generateSigstoreKeyPair(PASSPHRASE)];
  const wrong = await codeOf(openSigstoreSigner(new TextEncoder().encode(key.privateKey), { passphrase: encode("x") }));
  const signer = await openSigstoreSigner(new TextEncoder().encode(key.privateKey), { passphrase: PASSPHRASE });
  const { digest } = await composeIndex({
    target: target!,
    sources: [index],
    all: true,
    systemContext: INSECURE,
    signers: [signer],
    provenance: { signer },
  });
  const publicKeys = [new TextEncoder().encode(key.publicKey)];
  const provenance = await verifyAttestations(target!, { publicKeys, assembly: true, systemContext: INSECURE });
  const refused = await codeOf(copyIndex(target!, copy!, judgedBy(other)));
  const believed = await copyIndex(target!, copy!, judgedBy(key));
  return { digest, wrong, refused, believed: believed.digest, hasProvenance: provenance.allowed };
}

/** The older kind of signatures, with a key of OpenPGP. */
async function signSimply(): Promise<Report> {
  const { privateKey, publicKey } = await generateKey({ userIDs: [{ name: "Me" }] });
  await using signer = createSimpleSigner(await openPgpKey(new TextEncoder().encode(privateKey)));
  const manifest = encode({});
  const { bytes } = await signer.sign(manifest, parseReference("quay.io/me/app:1"));
  const options = {
    keyrings: [new TextEncoder().encode(publicKey)],
    manifestDigest: digestOf(manifest),
    acceptsReference: (name: string) => name === "quay.io/me/app:1",
  };
  const { claims } = await verifySimpleSignature(bytes, options);
  const changed = bytes.map((byte, i) => i === bytes.length - 20 ? byte ^ 1 : byte);
  return { digest: claims.digest, refused: await codeOf(verifySimpleSignature(changed, options)) };
}

function judgedBy({ publicKey }: SigstoreKeyPair) {
  const signedIdentity = { type: "matchRepository" };
  const policy = createPolicy({ default: [{ type: "sigstoreSigned", keyData: btoa(publicKey), signedIdentity }] });
  return { systemContext: INSECURE, signaturePolicy: createSignaturePolicy(policy) };
}

/** A list without a registry, in a store in memory, and pushed to a registry of this very runtime. */
async function workInMemory(images: string[]): Promise<Report> {
  const list = create();
  for (const image of images) await list.add(image, { systemContext: INSECURE });
  list.setAnnotations(undefined, { team: "release" });
  await using store = createMemoryStore();
  await list.saveToImage(store, { names: ["app:1"] });
  const stored = (await store.listImages()).flatMap(({ names }) => names);
  const fetch = createRegistry({ storage: createMemoryStorage() }).fetch;
  const read = List.fromBlob(list.serialize());
  const options = { systemContext: { fetch }, imageListSelection: "specific", instances: [] } as const;
  // The images are elsewhere: a registry refuses an index of what it does not have.
  const refused = await codeOf(read.push("registry.example/app:1", options));
  const empty = await create().push("registry.example/app:2", options);
  return { instances: list.instances(), digest: digestOf(list.serialize()), stored, refused, empty: empty.digest };
}

/** Errors are told apart by their codes everywhere. */
async function collectCodes(host: string): Promise<unknown[]> {
  const systemContext = INSECURE;
  return [
    await codeOf(() => parseDigest("sha256:beef")),
    await codeOf(() => parseReference("UPPER/case")),
    await codeOf(composeIndex({ target: `${host}/app:3`, sources: [`${host}/app:missing`], systemContext })),
    await codeOf(removeFromIndex(`${host}/app:1`, ["linux/arm64"], { systemContext })),
    await codeOf(copyIndex(`${host}/app:1`, `${host}/copy:2`, { systemContext })),
    await codeOf(openKvStore({} as never, { leaseDuration: 0 })),
  ];
}

/** Evaluates a policy that requires a certificate; returns the result. */
export async function judgeCertificate(certificate: string): Promise<string> {
  const key = await generateSigstoreKeyPair(PASSPHRASE);
  await using signer = await openSigstoreSigner(new TextEncoder().encode(key.privateKey), { passphrase: PASSPHRASE });
  const manifest = encode({});
  const signature = await signer.sign(manifest, parseReference("quay.io/me/app:1"));
  const pem = new TextEncoder().encode(certificate);
  const annotations = { ...signature.annotations, "dev.sigstore.cosign/certificate": certificate };
  return await codeOf(verifySigstoreSignature({ ...signature, annotations }, {
    trust: { kind: "pki", roots: pem, subjectEmail: "me@example.com" },
    manifestDigest: digestOf(manifest),
    acceptsReference: () => true,
  }));
}

/** The code with which something fails. */
async function codeOf(act: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof act === "function" ? act() : act);
    return "no error";
  } catch (error) {
    return isManifestsError(error) ? error.code : String(error);
  }
}

/** Copies with gzip and with zstd compression, which not every runtime supports; returns the results. */
export async function compress({ from, to }: Hosts): Promise<string[]> {
  await pushImage(new RegistryClient(from, { insecure: true }).repository("app"), "amd64", false);
  const copyAs = (compressionFormat: string) =>
    copyIndex(`${from}/app:amd64`, `${to}/app:${compressionFormat}`, {
      systemContext: { ...INSECURE, compressionFormat },
      signaturePolicy: acceptAnything,
    });
  return [await codeOf(copyAs("gzip")), await codeOf(copyAs("zstd"))];
}
