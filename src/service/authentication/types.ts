/** Actions that callers of a handler can perform; each is the name of an endpoint. */
export type HandlerAction = "compose" | "append" | "inspect" | "validate" | "fan-in";

/** Permissions of a caller, within what the handler's options allow. */
export interface Grant {
  /** Name of the rule, for events. Default: its kind and position, such as `token 1`. */
  readonly name?: string | undefined;
  /** Endpoints that the caller may use. Default: all. */
  readonly actions?: readonly HandlerAction[] | undefined;
  /** Repositories that the caller may write, as in `quay.io/me/app` or `quay.io/me/*`. Default: the handler's. */
  readonly targets?: readonly string[] | undefined;
  /**
   * Repositories that the caller may read in addition to `targets`. Default: the handler's `sources`, or none if the
   * handler has no `sources`.
   */
  readonly sources?: readonly string[] | undefined;
}

/** Options for {@linkcode Authenticator.authenticate}. */
export interface AuthenticateOptions {
  /** Current time, in milliseconds since 1970. */
  readonly now: number;
  /** Aborts the call with its reason. */
  readonly signal: AbortSignal;
}

/** Caller of a handler, as its token identifies it. */
export interface Caller {
  /**
   * Name of the caller, for events and for the limits per caller. Only the first 100 characters are used. It must not
   * contain the token.
   */
  readonly name: string;
  /** Permissions of the caller: a request is allowed if one grant allows it. */
  readonly grants: readonly Grant[];
}

/** Verifies the tokens of callers in one way, such as by shared tokens or OpenID Connect. */
export interface Authenticator {
  /** All grants that it can return. They are validated when a handler is created. */
  readonly grants: readonly Grant[];
  /**
   * Returns the bearer of a token. `undefined` if this authenticator does not accept the token; a caller without grants
   * if the token is valid but grants nothing.
   */
  authenticate(token: string, options: AuthenticateOptions): Promise<Caller | undefined>;
}
