/** What proves to a registry who asks: a user name with a password, or a token. */
export interface Credentials {
  /** User name. */
  readonly username?: string;
  /** Password. */
  readonly password?: string;
  /** OAuth2 refresh token, which stands in for the password. */
  readonly identityToken?: string;
  /** A bearer token that is sent as it is. */
  readonly registryToken?: string;
}
