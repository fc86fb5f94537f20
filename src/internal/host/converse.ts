import { abortable } from "../abortable.ts";
import { concatBytes } from "../bytes.ts";
import type { ByteStream } from "../streams.ts";

/** Options for {@linkcode converse}. */
export interface ConverseOptions {
  /** Bytes for its standard input, which must be a pipe. */
  readonly input: readonly Uint8Array[];
  /** Streams to collect, such as `child.stdout`. */
  readonly outputs: readonly ByteStream[];
  /** Maximum size of an output, in bytes. Default: unlimited. */
  readonly maxOutput?: number | undefined;
  /** Aborts the call and kills the process. */
  readonly signal?: AbortSignal | undefined;
}

/** Error for a process that writes more than the allowed output. */
export class OutputLimitError extends Error {
  override readonly name = "OutputLimitError";
}

/**
 * Writes to a process's input, collects its outputs and waits until it exits. The process never outlives the call: it is
 * killed if it writes too much, an error occurs, or the signal aborts.
 *
 * @throws {OutputLimitError} If an output is larger than `maxOutput`. On abort, rejects with the signal's reason.
 */
export async function converse(
  child: Deno.ChildProcess,
  { input, outputs, maxOutput = Infinity, signal }: ConverseOptions,
): Promise<{ code: number; outputs: Uint8Array<ArrayBuffer>[] }> {
  const writer = child.stdin.getWriter();
  const readers = outputs.map((stream) => stream.getReader());
  const collecting = Promise.all(readers.map((reader) => collect(reader, maxOutput)));
  const work = Promise.all([collecting, child.status, feed(writer, input)]);
  try {
    const [collected, { code }] = await (signal ? abortable(work, signal) : work);
    return { code, outputs: collected };
  } finally {
    kill(child);
    // Child processes of the process may still hold the other ends of its pipes.
    await Promise.all([writer.abort().catch(() => {}), ...readers.map((reader) => reader.cancel().catch(() => {}))]);
    await child.status;
  }
}

async function collect(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  max: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for (;;) {
    const { value } = await reader.read();
    if (!value) return concatBytes(chunks);
    size += value.length;
    if (size > max) throw new OutputLimitError(`more than ${max} bytes`);
    chunks.push(value);
  }
}

/** Writes the input. A process may exit or close its input early: its outputs are valid, so that is not an error. */
async function feed(writer: WritableStreamDefaultWriter<Uint8Array>, input: readonly Uint8Array[]): Promise<void> {
  try {
    for (const bytes of input) await writer.write(bytes);
    await writer.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // The process has already exited.
  }
}
