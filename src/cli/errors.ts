/** An error that ends the program with the given exit code. An empty message prints nothing. */
export class ExitError extends Error {
  override readonly name = "ExitError";
  readonly exitCode: number;

  constructor(exitCode: number, message = "") {
    super(message);
    this.exitCode = exitCode;
  }
}

/** An error in the command line, such as flags that contradict each other. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

/** Flags that cannot be parsed. */
export class ParseError extends UsageError {
  override readonly name = "ParseError";
  /** Command to whose help the message refers, such as `manifests push`; `""`: the program itself. */
  readonly command: string;

  constructor(message: string, command = "") {
    super(message);
    this.command = command;
  }

  /** Returns the same error for a command. */
  withCommand(command: string): ParseError {
    return new ParseError(this.message, command);
  }
}

/** Formats an error and its causes as one line. */
export function formatError(error: unknown): string {
  const parts: string[] = [];
  for (let at = error; at !== undefined && parts.length < 8; at = at instanceof Error ? at.cause : undefined) {
    const text = at instanceof Error ? at.message : String(at);
    // Some messages already quote their cause.
    if (text !== "" && !parts.some((part) => part.includes(text))) parts.push(text);
  }
  return parts.join(": ").replaceAll("\n", " ");
}

/** Returns the same error with a prefix before its message; the error itself if the prefix is empty. */
export function prefixError(prefix: string, error: unknown): unknown {
  return prefix === "" ? error : new Error(prefix + formatError(error), { cause: error });
}
