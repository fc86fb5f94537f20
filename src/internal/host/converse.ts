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
  /** Ends the conversation, and the process. */
  readonly signal?: AbortSignal | undefined;
}

/** A process wrote more than it may. */
export class OutputLimitError extends Error {
  override readonly name = "OutputLimitError";
}

/**
 * Feeds a process, collects its outputs and waits for its end. The process never outlives this: it is killed if anything
 * fails, writes too much, or the signal aborts.
 *
 * @throws {OutputLimitError} If an output is larger than `maxOutput`; and with the reason of the signal.
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
    // What the process itself started may still hold the other ends.
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

/** A process may end, or close its input, before it has read everything; what it answers counts. */
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
    // It has ended.
  }
}
