import { createRegistry } from "../../server/room.ts";
import { openDirectoryStorage } from "../../server/directory/room.ts";
import type { CommandContext } from "../context.ts";
import { formatError, UsageError } from "../errors.ts";
import { parseCount } from "../flags.ts";
import { note, print } from "../output.ts";

/** Flags of `registry`. */
export interface RegistryServeFlags {
  host?: string;
  port?: string;
}

/** `registry serve FOLDER`: a registry whose images are in a folder, until it is interrupted. */
export async function registry(
  operands: string[],
  flags: RegistryServeFlags,
  { signal }: CommandContext,
): Promise<void> {
  const [verb, folder] = operands as [string, string];
  if (verb !== "serve") {
    throw new UsageError(`unknown command ${JSON.stringify(`registry ${verb}`)}: did you mean serve?`);
  }
  const { fetch } = createRegistry({
    storage: await openDirectoryStorage(folder),
    onError: (error) => note(`Error: ${formatError(error)}`),
  });
  const hostname = flags.host ?? "127.0.0.1";
  const port = flags.port === undefined ? 5000 : parseCount("--port", flags.port);
  const onListen = ({ port }: { port: number }) => print(`http://${hostname}:${port}`);
  await using server = Deno.serve({ hostname, port, signal, onListen }, fetch);
  await server.finished;
  // Nothing but a signal ends it.
  signal.throwIfAborted();
}
