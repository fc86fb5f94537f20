import type { ImageReference, SystemContext } from "../../image/room.ts";
import type { CallOptions } from "../../internal/room.ts";
import type { Digest, ErrorCode } from "../../spec/room.ts";
import type { Runtime } from "../runtime.ts";

/** Options of {@linkcode verifyAttestationsWith}: the policy, and how to reach the image. */
export interface VerifyAttestationsOptions extends Omit<CallOptions, "maxRetries"> {
  /** Public keys in PEM; an attestation by any of them is accepted. */
  readonly publicKeys: readonly Uint8Array[];
  /**
   * Type of the predicate. Attestations of other types are ignored.
   *
   * @default {"https://slsa.dev/provenance/v1"}
   */
  readonly predicateType?: string | undefined;
  /**
   * The attestation must be the provenance of an assembly by `composeIndex` or `compose` whose sources account for exactly
   * the entries of the index.
   *
   * @default {false}
   */
  readonly assembly?: boolean | undefined;
  /**
   * With `assembly`: accepted builders; `*` in them stands for any characters, as in
   * `https://github.com/me/app/.github/workflows/release.yml@refs/tags/*`. Default: any builder.
   */
  readonly builderIds?: readonly string[] | undefined;
  /** Access to the image: credentials, TLS, configuration files. Default: `{}`. */
  readonly systemContext?: SystemContext | undefined;
}

/** Verdict about one attestation of the requested type. */
export interface AttestationVerdict {
  /** `true` if the attestation is accepted. */
  readonly allowed: boolean;
  /** How it is stored: in a Sigstore bundle that is a referrer, or under cosign's `.att` tag. */
  readonly form: "bundle" | "tag";
  /** Digest of the manifest that stores it. */
  readonly manifest: Digest;
  /** The predicate; `undefined` if the signature was not verified. */
  readonly predicate?: unknown;
  /** SHA-256 digest of the signer's public key in DER; `undefined` if the signature was not verified. */
  readonly keyDigest?: Digest | undefined;
  /** Why it is not accepted: a code and a sentence; `undefined` if it is. */
  readonly refusal?: { readonly code: ErrorCode; readonly reason: string } | undefined;
}

/** Result of checking the attestations of an image or index. */
export interface AttestationsVerdict {
  /** `true` if at least one attestation is accepted. */
  readonly allowed: boolean;
  /** Digest of the manifest that was checked. */
  readonly digest: Digest;
  /** Verdicts about all attestations of the requested type. */
  readonly attestations: readonly AttestationVerdict[];
}

/** Checks the attestations of an image or index: `verifyAttestations` for any runtime. */
export async function verifyAttestationsWith(
  runtime: Runtime,
  image: string | ImageReference,
  options: VerifyAttestationsOptions,
): Promise<AttestationsVerdict> {
  // Most programs judge no attestations: the code for it is loaded when it is needed.
  const { judgeAttestations } = await import("./judge_attestations.ts");
  return await judgeAttestations(runtime, image, options);
}
