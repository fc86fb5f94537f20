import type { ImageReference, SystemContext } from "../image/room.ts";

/**
 * Keeps what is known of an image's registry (how it is reached, tokens, connections) until it is disposed: several calls
 * that talk to it ask no question twice. Sends nothing.
 */
export async function keepConnection(
  reference: ImageReference,
  systemContext: SystemContext | undefined,
): Promise<AsyncDisposable> {
  // Opening another kind of place may change it.
  if (reference.transport !== "docker") return { [Symbol.asyncDispose]: () => Promise.resolve() };
  return await reference.openDestination(systemContext);
}

/** Keeps what is known of the registries of several images; see {@linkcode keepConnection}. */
export async function keepConnections(
  references: readonly ImageReference[],
  systemContext: SystemContext | undefined,
): Promise<AsyncDisposable> {
  const held: AsyncDisposable[] = [];
  const dispose = async () => {
    for (const one of held) await one[Symbol.asyncDispose]();
  };
  try {
    for (const reference of references) held.push(await keepConnection(reference, systemContext));
  } catch (error) {
    await dispose();
    throw error;
  }
  return { [Symbol.asyncDispose]: dispose };
}
