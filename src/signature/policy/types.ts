/** Keys or certificates to trust. A path is read when an image is evaluated. */
export type KeyMaterial = { readonly path: string } | { readonly data: Uint8Array<ArrayBuffer> };

/** Rule that relates the name in a signature to the name under which the image is used. */
export type SignedIdentity =
  | { readonly type: "matchExact" | "matchRepoDigestOrExact" | "matchRepository" }
  | { readonly type: "exactReference"; readonly dockerReference: string }
  | { readonly type: "exactRepository"; readonly dockerRepository: string }
  | { readonly type: "remapIdentity"; readonly prefix: string; readonly signedPrefix: string };

/** Requirement for a simple signature. */
export interface SignedBy {
  /** Discriminates the kinds of requirements. */
  readonly type: "signedBy";
  /** Type of the keys. Only `GPGKeys` is supported, as in podman and skopeo. */
  readonly keyType: "GPGKeys" | "signedByGPGKeys" | "X509Certificates" | "signedByX509CAs";
  /** Keyrings: a signature by any key in them is accepted. */
  readonly keys: readonly KeyMaterial[];
  /** Rule for the name under which the image must have been signed. */
  readonly signedIdentity: SignedIdentity;
}

/** Requirement for a sigstore signature. */
export interface SigstoreSigned {
  /** Discriminates the kinds of requirements. */
  readonly type: "sigstoreSigned";
  /** Keys or certificates whose signatures are accepted. */
  readonly trust:
    | {
      /** Discriminates the kinds of trust: public keys. */
      readonly kind: "keys";
      /** Files or data of one public key each: a signature by any of them is accepted. */
      readonly keys: readonly KeyMaterial[];
    }
    | {
      /** Discriminates the kinds of trust: certificates that Fulcio issues to the owners of e-mail addresses. */
      readonly kind: "fulcio";
      /** Certificates of the Fulcio instance. */
      readonly ca: KeyMaterial;
      /** URL of the OpenID Connect issuer that confirmed the address. */
      readonly oidcIssuer: string;
      /** E-mail address that the certificate must contain. */
      readonly subjectEmail: string;
    }
    | {
      /** Discriminates the kinds of trust: certificates of a private certificate authority. */
      readonly kind: "pki";
      /** Root certificates of the authority. */
      readonly caRoots: KeyMaterial;
      /** Intermediate certificates. Default: only those that come with the signature. */
      readonly caIntermediates?: KeyMaterial | undefined;
      /** E-mail address that the certificate must contain. Default: any. */
      readonly subjectEmail?: string | undefined;
      /** Host name that the certificate must contain. Default: any. */
      readonly subjectHostname?: string | undefined;
    };
  /** Public keys of a transparency log that must contain the signature. `undefined`: no log entry is required. */
  readonly rekorPublicKeys?: readonly KeyMaterial[] | undefined;
  /** Rule for the name under which the image must have been signed. */
  readonly signedIdentity: SignedIdentity;
}

/** One requirement of a policy. */
export type PolicyRequirement =
  | { readonly type: "insecureAcceptAnything" }
  | { readonly type: "reject" }
  | { readonly type: "signedBaseLayer"; readonly baseLayerIdentity: SignedIdentity }
  | SignedBy
  | SigstoreSigned;

/** Requirements for the use of images: the content of a `policy.json`. See containers-policy.json(5). */
export interface Policy {
  /** Requirements for images without a matching scope. All must be met. */
  readonly default: readonly PolicyRequirement[];
  /** Requirements by transport and scope. All requirements of the matching scope must be met. */
  readonly transports: ReadonlyMap<string, ReadonlyMap<string, readonly PolicyRequirement[]>>;
}
