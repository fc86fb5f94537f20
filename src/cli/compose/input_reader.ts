import { decodeUtf8, readStream } from "../../internal/room.ts";
import { UsageError } from "../errors.ts";

/** Maximum size of a file that a flag names, in bytes. */
const MAX_SIZE = 4 * 1024 * 1024;

/** Reads the files that flags name; `-` is standard input, which only one flag can use. */
export class InputReader {
  #stdin: string | undefined;

  /**
   * Reads a file as text.
   *
   * @param flag The flag that names it, for messages.
   * @throws {UsageError} If two flags read standard input.
   * @throws {Error} If it cannot be read, or is larger than 4 MiB.
   */
  async read(flag: string, file: string): Promise<string> {
    const place = file === "-" ? "standard input" : JSON.stringify(file);
    if (file === "-" && this.#stdin !== undefined) {
      throw new UsageError(`${this.#stdin} and ${flag} cannot both read standard input`);
    }
    if (file === "-") this.#stdin = flag;
    try {
      const stream = file === "-" ? Deno.stdin.readable : (await Deno.open(file)).readable;
      const bytes = await readStream(stream, MAX_SIZE);
      if (bytes) return decodeUtf8(bytes);
    } catch (error) {
      throw new Error(`Cannot read ${place} for ${flag}: ${(error as Error).message}`, { cause: error });
    }
    throw new Error(`Cannot read ${place} for ${flag}: it is larger than 4 MiB`);
  }
}
