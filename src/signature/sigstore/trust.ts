/** The keys or certificates that may have made a sigstore signature. All of them are PEM. */
export type SigstoreSignerTrust =
  | {
    /** Discriminates the kinds of trust: public keys. */
    readonly kind: "keys";
    /** A signature by any of these keys is accepted. */
    readonly publicKeys: readonly Uint8Array[];
    /**
     * Public keys of a transparency log, one of which must have logged the signature. Default: no log entry required.
     */
    readonly rekorPublicKeys?: readonly Uint8Array[] | undefined;
  }
  | {
    /** Discriminates the kinds of trust: certificates that Fulcio issues. */
    readonly kind: "fulcio";
    /** Certificates of the Fulcio instance, in PEM. */
    readonly ca: Uint8Array;
    /** The OpenID Connect issuer that confirmed the e-mail address. */
    readonly oidcIssuer: string;
    /** The e-mail address that the certificate must name. */
    readonly subjectEmail: string;
    /** Public keys of the log that must have logged the signature: such a certificate is valid for minutes only. */
    readonly rekorPublicKeys: readonly Uint8Array[];
  }
  | {
    /** Certificates of a private certificate authority. */
    readonly kind: "pki";
    /** Root certificates of the authority, in PEM. */
    readonly roots: Uint8Array;
    /** Intermediate certificates. Default: only those that come with the signature. */
    readonly intermediates?: Uint8Array | undefined;
    /** An e-mail address that the certificate must name. Default: any; then `subjectHostname` is required. */
    readonly subjectEmail?: string | undefined;
    /** A host name that the certificate must name. Default: any; then `subjectEmail` is required. */
    readonly subjectHostname?: string | undefined;
  };

/** Trust in certificates that Fulcio issues. */
export type FulcioTrust = Extract<SigstoreSignerTrust, { kind: "fulcio" }>;

/** Trust in certificates of a private authority. */
export type PkiTrust = Extract<SigstoreSignerTrust, { kind: "pki" }>;
