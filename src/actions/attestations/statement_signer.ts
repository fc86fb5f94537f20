import type { Signer } from "../../signature/room.ts";
import { ManifestsError } from "../../spec/room.ts";

/** A signer that can sign statements: one with a sigstore key. */
export type StatementSigner = Signer & Required<Pick<Signer, "signStatement">>;

/**
 * Asserts that a signer can sign provenance.
 *
 * @throws {ManifestsError} With code `SIGNING_UNAVAILABLE`.
 */
export function assertSignsStatements(signer: Signer): asserts signer is StatementSigner {
  if (signer.signStatement) return;
  throw new ManifestsError(
    "SIGNING_UNAVAILABLE",
    "Cannot sign provenance with this key: statements are signed by sigstore keys, such as those of cosign",
  );
}
