import { formatInspection } from "../../actions/room.ts";
import { describeImage, type SystemContext, validateImage } from "../../system/local/room.ts";
import { findAny } from "../commands/places.ts";
import type { LocalStore } from "../context.ts";
import { formatError } from "../errors.ts";
import { parseCount } from "../flags.ts";
import { print } from "../output.ts";
import { answerPage } from "./answer_page.ts";
import type { WebFlags } from "./flags.ts";

/** Values for reading images, and the signal that ends the server. */
interface Call {
  readonly store: LocalStore;
  readonly systemContext: SystemContext;
  readonly signal: AbortSignal;
}

/**
 * Serves a page that shows an image, or compares two, on the loopback interface until SIGINT or SIGTERM. It shows no
 * other images, because it reads them with the user's credentials.
 */
export async function serveImages(images: readonly string[], { port }: WebFlags, call: Call): Promise<void> {
  const find = async (name: string) => {
    if (!images.includes(name)) {
      throw new Error(`Cannot show ${JSON.stringify(name)}: start the command with this name`);
    }
    return await findAny(call.store, name);
  };
  const { systemContext, signal } = call;
  const functions = {
    inspect: async (name: string) => formatInspection(await describeImage(await find(name), { systemContext, signal })),
    validate: async (name: string) => await validateImage(await find(name), { systemContext, signal }),
  };
  // The first request fails early if the image does not exist.
  await functions.inspect(images[0]!);
  await using server = listen(port === undefined ? 0 : parseCount("--port", port), signal, async (request) => {
    // A name of another site that resolves to this machine would give that site access to the images.
    const { hostname } = new URL(request.url);
    if (hostname !== "127.0.0.1" && hostname !== "localhost") return new Response("unknown host\n", { status: 421 });
    return await answerPage(request, { kind: "inspect", images }, () => functions) ??
      new Response("not found\n", { status: 404 });
  });
  print(`http://127.0.0.1:${server.addr.port}`);
  await server.finished;
  // Only a signal ends the server; its reason gives the exit code.
  signal.throwIfAborted();
}

function listen(
  port: number,
  signal: AbortSignal,
  answer: (request: Request) => Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname: "127.0.0.1", port, signal, onListen: () => {} }, answer);
  } catch (cause) {
    throw new Error(`Cannot listen on 127.0.0.1:${port}: ${formatError(cause)}`, { cause });
  }
}
