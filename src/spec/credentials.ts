/** Credentials for a registry: a user name with a password, or a token. */
export interface Credentials {
  /** User name, for a password or an identity token. */
  readonly username?: string;
  /** Password that belongs to the user name. */
  readonly password?: string;
  /** OAuth 2.0 refresh token, used instead of a password. */
  readonly identityToken?: string;
  /** Bearer token that is sent unchanged. */
  readonly registryToken?: string;
}
