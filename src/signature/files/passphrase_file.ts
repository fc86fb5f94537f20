import { readRequired } from "../../config/files/room.ts";
import { ManifestsError } from "../../spec/room.ts";

const NEWLINE = 0x0a;
/** Maximum length of a passphrase in a file, in bytes. */
const MAX_PASSPHRASE = 4096;

/**
 * Reads a passphrase from a file: its first line, without the line break. The caller wipes the returned bytes.
 * Go: `cli.ReadPassphraseFile`.
 *
 * @throws {ManifestsError} With code `CONFIG_FILE_UNREADABLE`, or `LIMIT_EXCEEDED` above 4096 bytes.
 */
export async function readPassphraseFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readRequired(path, "passphrase file");
  try {
    const end = bytes.indexOf(NEWLINE);
    const line = end < 0 ? bytes : bytes.subarray(0, end);
    if (line.length <= MAX_PASSPHRASE) return Uint8Array.from(line);
    throw new ManifestsError(
      "LIMIT_EXCEEDED",
      `Cannot read passphrase file ${JSON.stringify(path)}: its first line is longer than ${MAX_PASSPHRASE} bytes`,
    );
  } finally {
    bytes.fill(0);
  }
}
