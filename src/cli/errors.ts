/** Ends the program with an exit code of its own; an empty message prints nothing. */
export class ExitError extends Error {
  override readonly name = "ExitError";
  readonly exitCode: number;

  constructor(exitCode: number, message = "") {
    super(message);
    this.exitCode = exitCode;
  }
}

/** A wrong command line. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

/** Flags that do not parse. */
export class ParseError extends UsageError {
  override readonly name = "ParseError";
  /** The command whose help tells more; `""` is the program's own. */
  readonly command: string;

  constructor(message: string, command = "") {
    super(message);
    this.command = command;
  }

  /** The same error of a command. */
  within(command: string): ParseError {
    return new ParseError(this.message, command);
  }
}

/** One line that says what failed and why: the messages of an error and of its causes. */
export function formatError(error: unknown): string {
  const parts: string[] = [];
  for (let at = error; at !== undefined && parts.length < 8; at = at instanceof Error ? at.cause : undefined) {
    const text = at instanceof Error ? at.message : String(at);
    // Messages that quote their cause already need no second telling.
    if (text !== "" && !parts.some((part) => part.includes(text))) parts.push(text);
  }
  return parts.join(": ").replaceAll("\n", " ");
}

/** The same error with words before it, unless there are none. */
export function prefixError(prefix: string, error: unknown): unknown {
  return prefix === "" ? error : new Error(prefix + formatError(error), { cause: error });
}
