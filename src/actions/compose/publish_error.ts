import { type ErrorCode, ManifestsError } from "../../spec/room.ts";
import type { PublishedName } from "./types.ts";

/** Thrown when some of several names could not be written. Has the code of the first failure, which is its `cause`. */
export class PublishError extends ManifestsError {
  /** Name of the error class. */
  override readonly name: string = "PublishError";
  /** State of each name, in the order of the call. */
  readonly published: readonly PublishedName[];

  /** Creates the error; `cause` is the first failure. */
  constructor(published: readonly PublishedName[], cause: Error & { readonly code: ErrorCode }) {
    // The texts of some registries are sentences.
    const reason = cause.message.replace(/\.$/, "");
    super(cause.code, `Cannot publish to all names: ${reason}. ${describe(published)}`, { cause });
    this.published = published;
  }
}

const HEADINGS = [
  ["written", "Written"],
  ["unchanged", "Unchanged"],
  ["failed", "Failed"],
  ["skipped", "Not written"],
] as const;

function describe(published: readonly PublishedName[]): string {
  const groups = HEADINGS.map(([state, heading]) => {
    const names = published.filter((name) => name.state === state).map(({ reference }) => reference);
    return names.length > 0 ? `${heading}: ${names.join(", ")}` : "";
  });
  return groups.filter(Boolean).join(". ");
}
