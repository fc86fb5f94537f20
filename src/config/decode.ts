import { decodeUtf8 } from "../internal/room.ts";
import { ConfigFileError } from "./config_file_error.ts";

/**
 * Decodes the text of a configuration file.
 *
 * @throws {ConfigFileError} If the file is not UTF-8.
 */
export function decodeConfigFile(bytes: Uint8Array, path: string): string {
  try {
    return decodeUtf8(bytes);
  } catch (cause) {
    throw new ConfigFileError({ path }, "it is not UTF-8", { cause });
  }
}
