/** Credentials for a registry: a user name with a password, or a token. */
export interface Credentials {
  /** User name, for a password or an identity token. `undefined`: no password is used. */
  readonly username?: string;
  /** Password that belongs to the user name. `undefined`: none. */
  readonly password?: string;
  /** OAuth 2.0 refresh token, used instead of a password. `undefined`: none. */
  readonly identityToken?: string;
  /** Bearer token that is sent unchanged. `undefined`: tokens are requested. */
  readonly registryToken?: string;
}
