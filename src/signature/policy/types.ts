/** Bytes that say whom to trust: keys or certificates. Paths are read when an image is judged. */
export type KeyMaterial = { readonly path: string } | { readonly data: Uint8Array<ArrayBuffer> };

/** Under which name an image must have been signed, compared with the one by which it is used. */
export type SignedIdentity =
  | { readonly type: "matchExact" | "matchRepoDigestOrExact" | "matchRepository" }
  | { readonly type: "exactReference"; readonly dockerReference: string }
  | { readonly type: "exactRepository"; readonly dockerRepository: string }
  | { readonly type: "remapIdentity"; readonly prefix: string; readonly signedPrefix: string };

/** Requires a simple signature. */
export interface SignedBy {
  /** Tells it from other requirements. */
  readonly type: "signedBy";
  /** What the keys are; only `GPGKeys` is supported by any tool. */
  readonly keyType: "GPGKeys" | "signedByGPGKeys" | "X509Certificates" | "signedByX509CAs";
  /** Keyrings; a signature by any key in them will do. */
  readonly keys: readonly KeyMaterial[];
  /** The name. */
  readonly signedIdentity: SignedIdentity;
}

/** Requires a sigstore signature. */
export interface SigstoreSigned {
  /** Tells it from other requirements. */
  readonly type: "sigstoreSigned";
  /** Who may have signed. */
  readonly trust:
    | {
      /** Public keys. */
      readonly kind: "keys";
      /** One key each; a signature by any of them will do. */
      readonly keys: readonly KeyMaterial[];
    }
    | {
      /** Certificates that Fulcio gives to whoever has an e-mail address. */
      readonly kind: "fulcio";
      /** Fulcio's own certificates. */
      readonly ca: KeyMaterial;
      /** Who vouches for the address. */
      readonly oidcIssuer: string;
      /** The address. */
      readonly subjectEmail: string;
    }
    | {
      /** Certificates of one's own authority. */
      readonly kind: "pki";
      /** The authority's certificates. */
      readonly caRoots: KeyMaterial;
      /** Certificates between its own and the signers'. */
      readonly caIntermediates?: KeyMaterial | undefined;
      /** An address that the certificate must name. */
      readonly subjectEmail?: string | undefined;
      /** A host that the certificate must name. */
      readonly subjectHostname?: string | undefined;
    };
  /** Keys of a transparency log that must know the signature; `undefined`: it need not be in any. */
  readonly rekorPublicKeys?: readonly KeyMaterial[] | undefined;
  /** The name. */
  readonly signedIdentity: SignedIdentity;
}

/** One requirement of a policy. */
export type PolicyRequirement =
  | { readonly type: "insecureAcceptAnything" }
  | { readonly type: "reject" }
  | { readonly type: "signedBaseLayer"; readonly baseLayerIdentity: SignedIdentity }
  | SignedBy
  | SigstoreSigned;

/** Which images may be used. What `policy.json` says; see containers-policy.json(5). */
export interface Policy {
  /** Requirements of images to which no scope applies; all must be met. */
  readonly default: readonly PolicyRequirement[];
  /** Requirements by transport and scope. */
  readonly transports: ReadonlyMap<string, ReadonlyMap<string, readonly PolicyRequirement[]>>;
}
