/** Whom to believe, and what to show, when a registry is reached over TLS (`certs.d`). All in PEM. */
export interface RegistryCertificates {
  /** Authorities that are believed besides the system's. */
  readonly caCerts: readonly string[];
  /** The client's certificate; `undefined` where there is none. */
  readonly cert?: string;
  /** The key of the client's certificate. */
  readonly key?: string;
}
