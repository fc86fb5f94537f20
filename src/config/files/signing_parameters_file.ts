import { decodeConfigFile } from "../decode.ts";
import { parseSigningParameters, type SigningParameters } from "../signing_parameters.ts";
import { readRequired } from "./host.ts";

/**
 * Loads a file of signing parameters, which must exist.
 *
 * @throws {ConfigFileError} If the file is invalid; see {@linkcode parseSigningParameters}.
 * @throws {ManifestsError} With code `CONFIG_FILE_UNREADABLE`.
 */
export async function loadSigningParameters(path: string): Promise<SigningParameters> {
  const text = decodeConfigFile(await readRequired(path, "signing parameters"), path);
  return parseSigningParameters(text, await import("yaml"), path);
}
