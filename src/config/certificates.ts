/** Certificates for TLS connections to a registry (`certs.d`), in PEM. */
export interface RegistryCertificates {
  /** Certificate authorities that are trusted in addition to the system's. */
  readonly caCerts: readonly string[];
  /** Client certificate; `undefined` if the client does not authenticate with one. */
  readonly cert?: string;
  /** Private key of the client certificate; set if and only if `cert` is. */
  readonly key?: string;
}
