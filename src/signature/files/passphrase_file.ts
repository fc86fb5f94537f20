import { readRequired } from "../../config/files/room.ts";
import { ManifestsError } from "../../spec/room.ts";

const NEWLINE = 0x0a;
/** Longest passphrase that a file may hold, in bytes. */
const MAX_PASSPHRASE = 4096;

/**
 * Reads a passphrase: the first line of a file, without its end. The caller wipes it. Go: `cli.ReadPassphraseFile`.
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
      `Cannot read passphrase file ${path} as its first line is longer than ${MAX_PASSPHRASE} bytes`,
    );
  } finally {
    bytes.fill(0);
  }
}
