import { type ImageReference, readManifest, type VerifiedManifest } from "../../image/room.ts";
import {
  PROVENANCE_TYPE,
  readAssemblyPredicate,
  SignatureRefusedError,
  type VerifiedStatement,
  verifyEnvelope,
} from "../../signature/room.ts";
import { getEntries, isIndex } from "../../spec/room.ts";
import { resolveSource } from "../resolve_source.ts";
import type { Runtime } from "../runtime.ts";
import { readAttestations, type StoredAttestation } from "./stored_attestations.ts";
import type { AttestationsVerdict, AttestationVerdict, VerifyAttestationsOptions } from "./verify_attestations.ts";

/** Implements `verifyAttestationsWith`. */
export async function judgeAttestations(
  runtime: Runtime,
  image: string | ImageReference,
  options: VerifyAttestationsOptions,
): Promise<AttestationsVerdict> {
  const { predicateType = PROVENANCE_TYPE, systemContext, signal } = options;
  await using source = await resolveSource(runtime, image).openSource(systemContext);
  const found = await readManifest(source, { signal });
  const { digest } = found;
  const stored = await readAttestations(runtime, { source, digest }, { systemContext, signal });
  const attestations: AttestationVerdict[] = [];
  for (const attestation of stored) {
    // One that cannot be read is reported, unless it is known to be of another type.
    if (attestation.predicateType !== undefined && attestation.predicateType !== predicateType) continue;
    attestations.push(await judge(attestation, found, options));
  }
  return { allowed: attestations.some(({ allowed }) => allowed), digest, attestations };
}

async function judge(
  { form, manifest, envelope, problem }: StoredAttestation,
  subject: VerifiedManifest,
  options: VerifyAttestationsOptions,
): Promise<AttestationVerdict> {
  const place = { form, manifest };
  if (!envelope) {
    const reason = problem ?? "it signs its subject without a statement";
    return { allowed: false, ...place, refusal: { code: "SIGNATURE_FORMAT_UNKNOWN", reason } };
  }
  let verified: VerifiedStatement | undefined;
  const describe = () => verified && { predicate: verified.statement.predicate, keyDigest: verified.keyDigest };
  try {
    verified = await verifyEnvelope(envelope, options.publicKeys, subject.digest);
    if (options.assembly) assertAssembly(verified.statement.predicate, subject, options.builderIds);
    return { allowed: true, ...place, ...describe() };
  } catch (error) {
    if (!(error instanceof SignatureRefusedError)) throw error;
    return { allowed: false, ...place, ...describe(), refusal: { code: error.code, reason: error.reason } };
  }
}

/** Asserts that a predicate is the provenance of an assembly of this index, or of one of its entries. */
function assertAssembly(
  predicate: unknown,
  { digest, manifest }: VerifiedManifest,
  builderIds: readonly string[] | undefined,
): void {
  const { builderId, sources } = readAssemblyPredicate(predicate);
  if (builderIds && !builderIds.some((pattern) => matches(builderId, pattern))) {
    throw new SignatureRefusedError(
      "SIGNATURE_IDENTITY_MISMATCH",
      `builder ${JSON.stringify(builderId)} is not accepted`,
    );
  }
  const named = new Set(sources.flatMap(({ entries }) => entries));
  if (named.has(digest)) return;
  const entries = new Set(isIndex(manifest) ? getEntries(manifest).map(({ digest }) => digest) : [digest]);
  const unnamed = [...entries].filter((entry) => !named.has(entry));
  const missing = [...named].filter((entry) => !entries.has(entry));
  if (unnamed.length + missing.length === 0) return;
  const reason = unnamed.length > 0
    ? `no source accounts for ${unnamed.join(", ")}`
    : `the index does not have ${missing.join(", ")} of its sources`;
  throw new SignatureRefusedError("SIGNATURE_DIGEST_MISMATCH", reason);
}

/** Returns whether a text matches a pattern in which `*` stands for any characters. */
function matches(text: string, pattern: string): boolean {
  const [first = "", ...parts] = pattern.split("*");
  if (parts.length === 0) return text === pattern;
  if (!text.startsWith(first)) return false;
  const last = parts.pop()!;
  let at = first.length;
  for (const part of parts) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
