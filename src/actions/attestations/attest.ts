import type { ImageReference, SystemContext } from "../../image/room.ts";
import { allOrAbort, type CallOptions, encodeUtf8 } from "../../internal/room.ts";
import {
  type Assembly,
  createAssemblyPredicate,
  encodePem,
  encodeStatement,
  PROVENANCE_TYPE,
  SIGN_PREDICATE_TYPE,
  type Signer,
  type StatementSubject,
  verifyEnvelope,
} from "../../signature/room.ts";
import { type Descriptor, type Digest, isManifestsError } from "../../spec/room.ts";
import type { Runtime } from "../runtime.ts";
import { attachBundle, attachUnderTag, type NewAttestation } from "./attach_attestation.ts";
import { assertSignaturesStayVisible } from "./hidden_signatures.ts";
import { assertSignsStatements } from "./statement_signer.ts";
import { readAttestations, type StoredAttestation } from "./stored_attestations.ts";

/** How provenance is signed and stored. */
export interface AttestOptions extends CallOptions {
  /** Signer of the provenance, which must be able to sign statements. */
  readonly signer: Signer;
  /**
   * Form in which it is stored: a Sigstore bundle that is a referrer, or a layer under cosign's `.att` tag.
   *
   * @default {"bundle"}
   */
  readonly as?: "bundle" | "tag" | undefined;
  /** The signers that sign the manifests themselves. With bundles, each signs one more, see `SIGNATURES_HIDDEN`. */
  readonly imageSigners?: readonly Signer[] | undefined;
  /** Access to the registry: credentials, TLS, configuration files. */
  readonly systemContext?: SystemContext | undefined;
}

/** An assembled index, and other manifests with the same provenance. */
export interface AssembledManifests {
  /** A reference to the repository that has the manifests. */
  readonly reference: ImageReference;
  /** Descriptors of the index and of those of its entries that get the provenance, too. */
  readonly subjects: readonly Descriptor[];
  /** How the index was assembled. */
  readonly assembly: Assembly;
}

/**
 * Attaches the provenance of an assembly to the index, and to other manifests in its repository. A manifest that already
 * has this provenance by the same key is left unchanged, whatever run made it.
 *
 * @throws {ManifestsError} With code `SIGNING_UNAVAILABLE` if the signer cannot sign statements, or `SIGNATURES_HIDDEN` if
 * cosign would no longer find existing signatures by other keys.
 */
export async function attestAssembly(
  runtime: Runtime,
  { reference, subjects, assembly }: AssembledManifests,
  options: AttestOptions,
): Promise<void> {
  const name = reference.dockerReference?.name;
  const about = subjects.map(({ digest }): StatementSubject => ({ name, digest }));
  const predicate = createAssemblyPredicate(assembly);
  const provenance = await sign(options.signer, { subjects: about, predicateType: PROVENANCE_TYPE, predicate });
  await allOrAbort(
    subjects.map((subject) => async (signal) => {
      await attach(runtime, { reference, subject, provenance, predicate }, { ...options, signal });
    }),
    options.signal,
  );
}

/** One manifest and its provenance. */
interface Attaching {
  readonly reference: ImageReference;
  readonly subject: Descriptor;
  readonly provenance: NewAttestation;
  readonly predicate: unknown;
}

async function attach(
  runtime: Runtime,
  { reference, subject, provenance, predicate }: Attaching,
  { as = "bundle", imageSigners = [], systemContext, signal, maxRetries }: AttestOptions,
): Promise<void> {
  const call = { signal, maxRetries };
  const { digest } = subject;
  await using source = await (reference.withDigest?.(digest) ?? reference).openSource(systemContext);
  const existing = await readAttestations(runtime, { source, digest }, { systemContext, ...call });
  const sameForm = existing.filter(({ form }) => form === as);
  const isSame = (found: unknown) => describeBuild(found) === describeBuild(predicate);
  const context = { systemContext, ...call };
  if (as === "tag") {
    if (!await hasAttestation(sameForm, digest, provenance, isSame)) {
      await attachUnderTag(runtime, reference, subject, provenance, context);
    }
    return;
  }
  const signatures = await signSubject(imageSigners, subject);
  const needed = signatures.filter(({ publicKey }) => String(publicKey) !== String(provenance.publicKey));
  if (sameForm.length === 0) {
    const publicKeys = [provenance, ...signatures].map(toPem);
    await assertSignaturesStayVisible(runtime, { source, digest }, { ...context, publicKeys });
  }
  // First the signatures: at no time does the manifest have a bundle, but none of its signers.
  for (const signature of needed) {
    if (!await hasAttestation(sameForm, digest, signature)) await attachBundle(reference, subject, signature, context);
  }
  if (await hasAttestation(sameForm, digest, provenance, isSame)) return;
  await attachBundle(reference, subject, provenance, context);
}

/** Signs a manifest in the form of newer versions of cosign: a statement about nothing but its subject. */
async function signSubject(signers: readonly Signer[], { digest }: Descriptor): Promise<NewAttestation[]> {
  const able = signers.filter((signer) => signer.signStatement);
  const statement = { subjects: [{ digest }], predicateType: SIGN_PREDICATE_TYPE, predicate: {} };
  return await Promise.all(able.map((signer) => sign(signer, statement)));
}

async function sign(
  signer: Signer,
  statement: { readonly subjects: readonly StatementSubject[]; predicateType: string; predicate: unknown },
): Promise<NewAttestation> {
  assertSignsStatements(signer);
  const { subjects, predicateType, predicate } = statement;
  const payload = encodeStatement(subjects, predicateType, predicate);
  const { signature, publicKey } = await signer.signStatement(payload);
  return { envelope: { payload, signatures: [signature] }, publicKey, predicateType, created: new Date() };
}

/** Returns whether a manifest already has an attestation of the same type by the same key. */
async function hasAttestation(
  existing: readonly StoredAttestation[],
  digest: Digest,
  wanted: NewAttestation,
  isSame: (predicate: unknown) => boolean = () => true,
): Promise<boolean> {
  for (const { envelope, predicateType } of existing) {
    if (!envelope || predicateType !== wanted.predicateType) continue;
    try {
      const { statement } = await verifyEnvelope(envelope, [toPem(wanted)], digest);
      if (isSame(statement.predicate)) return true;
    } catch (error) {
      if (!isManifestsError(error)) throw error;
    }
  }
  return false;
}

function toPem({ publicKey }: NewAttestation): Uint8Array {
  return encodeUtf8(encodePem("PUBLIC KEY", publicKey));
}

/** Returns what is the same for two runs of one build: everything but the run itself and its times. */
function describeBuild(predicate: unknown): string {
  // deno-lint-ignore no-explicit-any -- Members that are missing are equal to each other.
  const { buildDefinition, runDetails } = predicate as any ?? {};
  return JSON.stringify([buildDefinition, runDetails?.builder]);
}
