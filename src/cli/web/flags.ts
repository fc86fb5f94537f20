import { UsageError } from "../errors.ts";

/** Flags of the commands that can show their result on a web page. */
export interface WebFlags {
  web?: boolean;
  port?: string;
}

/**
 * Returns whether a command shows its result on a web page.
 *
 * @param others Names of flags that do not apply to the page.
 * @throws {UsageError} The flags contradict each other.
 */
export function assertWebFlags(flags: WebFlags, others: readonly string[]): boolean {
  if (!flags.web && flags.port !== undefined) throw new UsageError("--port requires --web");
  const other = flags.web && others.find((name) => (flags as Readonly<Record<string, unknown>>)[name] !== undefined);
  if (other) throw new UsageError(`--web cannot be used with --${other}`);
  return flags.web ?? false;
}
