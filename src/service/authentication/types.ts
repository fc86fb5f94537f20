/** What callers of a handler can do; the names are those of its endpoints. */
export type HandlerAction = "compose" | "append" | "inspect" | "validate" | "fan-in";

/** What a caller may do, within what the handler's options allow to anybody. */
export interface Grant {
  /** The endpoints; default: all. */
  readonly actions?: readonly HandlerAction[] | undefined;
  /** The repositories that may be written, as in `quay.io/me/app` or `quay.io/me/*`; default: the handler's. */
  readonly targets?: readonly string[] | undefined;
  /**
   * The repositories that images may come from, besides `targets`. Default: the handler's, where they are given; else
   * none, so that who may write one repository does not read the others.
   */
  readonly sources?: readonly string[] | undefined;
}

/** Options for {@linkcode Authenticator.authenticate}. */
export interface AuthenticateOptions {
  /** What the time is, in milliseconds since 1970. */
  readonly now: number;
  /** Ends the call. */
  readonly signal: AbortSignal;
}

/** One way in which callers prove who they are. */
export interface Authenticator {
  /** All grants that it can give: they are checked when a handler is made. */
  readonly grants: readonly Grant[];
  /**
   * What the bearer of this token may do: one of the grants suffices. `undefined` where the token is none of this
   * authenticator's, or is not valid; none where it is, but nothing is granted to its bearer.
   */
  authenticate(token: string, options: AuthenticateOptions): Promise<readonly Grant[] | undefined>;
}
