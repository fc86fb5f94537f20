import { type AttestationVerdict, type ReferenceVerdict, verifyAttestationsWith } from "../../actions/room.ts";
import { LOCAL_RUNTIME, type SystemContext, verify } from "../../system/local/room.ts";
import { type CommandContext, createSystemContext, LocalStore, type RegistryFlags } from "../context.ts";
import { ExitError, UsageError } from "../errors.ts";
import { shortDigest } from "../format/description.ts";
import { sanitize } from "../format/width.ts";
import { assertFormat, getStdoutStyle, printResult, type ResultFormat } from "../output.ts";
import { type AnyImage, findAny } from "./places.ts";

/** Flags of `verify`. */
export interface VerifyFlags extends RegistryFlags, ResultFormat {
  provenance?: boolean;
  attestation?: string;
  key?: string[];
  builderId?: string[];
  signaturePolicy?: string;
}

/** The names that cosign has for predicate types. */
const PREDICATE_TYPES: ReadonlyMap<string, string> = new Map([
  ["slsaprovenance", "https://slsa.dev/provenance/v0.2"],
  ["slsaprovenance02", "https://slsa.dev/provenance/v0.2"],
  ["slsaprovenance1", "https://slsa.dev/provenance/v1"],
  ["spdx", "https://spdx.dev/Document"],
  ["spdxjson", "https://spdx.dev/Document"],
  ["cyclonedx", "https://cyclonedx.org/bom"],
  ["link", "https://in-toto.io/Link/v1"],
  ["vuln", "https://cosign.sigstore.dev/attestation/vuln/v1"],
  ["openvex", "https://openvex.dev/ns"],
  ["custom", "https://cosign.sigstore.dev/attestation/v1"],
]);

/** An image to verify, and how to reach it. */
interface Verification {
  readonly image: AnyImage;
  readonly systemContext: SystemContext;
  readonly signal: AbortSignal;
}

/** Runs `verify IMAGE`. Exits with 0 if the image is accepted, and with 1 otherwise. */
export async function verifyImage([name]: string[], flags: VerifyFlags, context: CommandContext): Promise<void> {
  assertFormat(flags);
  const { provenance, attestation, key, builderId } = flags;
  const judgesAttestations = provenance || attestation !== undefined;
  if (provenance && attestation !== undefined) throw new UsageError("--provenance may not be used with --attestation");
  if (judgesAttestations && !key?.length) {
    throw new UsageError(`${provenance ? "--provenance" : "--attestation"} requires --key`);
  }
  if (!judgesAttestations && key) throw new UsageError("--key requires --provenance or --attestation");
  if (!provenance && builderId) throw new UsageError("--builder-id requires --provenance");
  await using store = new LocalStore(context);
  const image = await findAny(store, name!);
  const verification = { image, systemContext: await createSystemContext(flags, context), signal: context.signal };
  const allowed = judgesAttestations
    ? await verifyAttestations(verification, flags)
    : await verifySignatures(verification, flags);
  if (!allowed) throw new ExitError(1);
}

async function verifySignatures({ image, ...options }: Verification, flags: VerifyFlags): Promise<boolean> {
  const verdict = await verify(image, options);
  const { good, bad } = getStdoutStyle();
  const lines = listVerdicts(verdict).map(({ digest, allowed, reasons }) =>
    allowed ? good(`accepted ${digest}`) : bad(sanitize(`refused ${digest}: ${reasons.join("; ")}`))
  );
  printResult(flags, lines, { allowed: verdict.allowed, digest: verdict.digest, images: listVerdicts(verdict) });
  return verdict.allowed;
}

function listVerdicts({ digest, top, instances }: ReferenceVerdict) {
  return Array.from([[digest, top] as const, ...instances], ([digest, { allowed, signed, reasons }]) => ({
    digest,
    allowed,
    signed,
    reasons: reasons.map(({ reason }) => reason),
  }));
}

async function verifyAttestations({ image, ...options }: Verification, flags: VerifyFlags): Promise<boolean> {
  const { provenance: assembly, attestation, key = [], builderId } = flags;
  const predicateType = attestation === undefined ? undefined : PREDICATE_TYPES.get(attestation) ?? attestation;
  const publicKeys = await Promise.all(key.map(readKey));
  const policy = { publicKeys, predicateType, assembly, builderIds: builderId };
  const verdict = await verifyAttestationsWith(LOCAL_RUNTIME, image, { ...policy, ...options });
  const { good, bad } = getStdoutStyle();
  const what = assembly ? "provenance" : "attestation";
  const lines = verdict.attestations.map((one) =>
    one.allowed ? good(`accepted ${describe(one)}`) : bad(sanitize(`refused ${describe(one)}: ${one.refusal?.reason}`))
  );
  if (lines.length === 0) {
    lines.push(bad(`${verdict.digest} has no ${what}${predicateType ? ` ${predicateType}` : ""}`));
  }
  printResult(flags, lines, verdict);
  return verdict.allowed;
}

function describe({ form, manifest, keyDigest }: AttestationVerdict): string {
  const place = `${form} ${shortDigest(manifest)}`;
  return keyDigest ? `${place} by key ${shortDigest(keyDigest)}` : place;
}

async function readKey(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (cause) {
    throw new Error(`Cannot read public key ${JSON.stringify(path)}: ${(cause as Error).message}`, { cause });
  }
}
