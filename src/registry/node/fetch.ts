import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from "node:https";
import { rootCertificates } from "node:tls";
import { abortable, openReader, type Reader } from "../../internal/room.ts";
import { isManifestsError } from "../../spec/room.ts";
import type { FetchHandle } from "../pool.ts";
import { isSizedStream } from "../sized_body.ts";
import { connectThrough, getHost, getProxyHeaders } from "./connect.ts";

/** Statuses of responses without a body. */
const BODILESS: readonly number[] = [204, 205, 304];

/** Options for {@linkcode openNodeFetch}. */
export interface NodeFetchOptions {
  /**
   * Accept every certificate of a server.
   *
   * @default {false}
   */
  skipVerification?: boolean | undefined;
  /** Authorities to trust in addition to those of Node.js, or self-signed certificates, in PEM format. Default: none. */
  caCerts?: readonly string[] | undefined;
  /** Certificate of the client in PEM format. Default: none. */
  cert?: string | undefined;
  /** Private key of the client's certificate in PEM format. Default: none. */
  key?: string | undefined;
  /** Returns the proxy for a URL; `undefined` for a direct connection. Default: no proxy. */
  findProxy?: ((url: URL) => URL | undefined) | undefined;
}

/**
 * Returns a `fetch` over `node:http(s)`. It follows no redirects and decodes no bodies. Failures are `TypeError`s whose
 * message contains the system's error code, as in `ECONNREFUSED`.
 */
export function openNodeFetch(options: NodeFetchOptions = {}): FetchHandle {
  const { skipVerification = false, caCerts = [], cert, key, findProxy } = options;
  const tls = {
    rejectUnauthorized: !skipVerification,
    ...(caCerts.length > 0 ? { ca: [...rootCertificates, ...caCerts] } : {}),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  const agents = {
    "http:": new HttpAgent({ keepAlive: true }),
    "https:": new HttpsAgent({ keepAlive: true, ...tls }),
  };
  const connect = async (url: URL, signal: AbortSignal): Promise<RequestOptions> => {
    const proxy = findProxy?.(url);
    if (!proxy) {
      return {
        ...hostOptions(url),
        agent: agents[url.protocol as keyof typeof agents],
        ...(url.protocol === "https:" ? tls : {}),
      };
    }
    if (url.protocol === "http:") {
      return {
        ...hostOptions(proxy),
        path: url.href,
        headers: { host: url.host, ...getProxyHeaders(proxy) },
        agent: agents["http:"],
      };
    }
    const socket = await connectThrough(proxy, url, { tls, signal });
    // Without an agent: with one, even `false`, Node.js ignores `createConnection`.
    return { ...hostOptions(url), createConnection: () => socket };
  };
  return {
    fetch: (request) => send(request, connect),
    close: () => Object.values(agents).forEach((agent) => agent.destroy()),
  };
}

function hostOptions(url: URL): RequestOptions {
  const port = url.port || (url.protocol === "https:" ? 443 : 80);
  return { host: getHost(url), port, path: url.pathname + url.search };
}

async function send(
  request: Request,
  connect: (url: URL, signal: AbortSignal) => Promise<RequestOptions>,
): Promise<Response> {
  const { signal } = request;
  signal.throwIfAborted();
  const url = new URL(request.url);
  const body = await Body.open(request);
  try {
    const options = await connect(url, signal);
    const headers = { ...Object.fromEntries(request.headers), ...options.headers, ...body.headers };
    const start = url.protocol === "https:" ? httpsRequest : httpRequest;
    const message = start({ ...options, method: request.method, headers });
    return await exchange(message, body, signal, request.method === "HEAD");
  } catch (error) {
    await body.cancel(error);
    if (signal.aborted) throw signal.reason;
    throw toFetchError(error);
  }
}

/** Sends a body and waits for the response, which may arrive before the body was sent. */
async function exchange(message: ClientRequest, body: Body, signal: AbortSignal, head: boolean): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const abort = () => message.destroy(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
  signal.addEventListener("abort", abort, { once: true });
  message.once("response", resolve);
  // Never removed: an `error` event without a listener would end the process.
  message.on("error", reject);
  if (signal.aborted) abort();
  // A failure to send the body ends the request, and so the wait for its response.
  const sending = body.sendTo(message).catch((error) => {
    reject(error);
    message.destroy();
  });
  try {
    const answer = await promise;
    const release = () => signal.removeEventListener("abort", abort);
    answer.once("close", release);
    const status = answer.statusCode ?? 0;
    const headers = new Headers();
    for (let i = 0; i < answer.rawHeaders.length; i += 2) {
      headers.append(answer.rawHeaders[i]!, answer.rawHeaders[i + 1]!);
    }
    const bodiless = head || BODILESS.includes(status);
    if (bodiless) answer.resume();
    return new Response(bodiless ? null : toByteStream(answer, message, signal), { status, headers });
  } catch (error) {
    signal.removeEventListener("abort", abort);
    message.destroy();
    // Cancel the source, so that a stalled one does not keep `sending` from settling.
    await body.cancel(error);
    await sending;
    throw error;
  }
}

/** Returns the body of a response as a stream that reads on demand. */
function toByteStream(
  answer: IncomingMessage,
  message: ClientRequest,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const chunks = answer[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await chunks.next();
        if (!done) return controller.enqueue(new Uint8Array(value));
        if (!answer.complete) throw new Error("the connection ended early");
        controller.close();
      } catch (error) {
        throw signal.aborted ? signal.reason : toFetchError(error);
      }
    },
    cancel() {
      message.destroy();
      answer.destroy();
    },
  }, { highWaterMark: 0 });
}

/** The body of a request. Bodies of one chunk are sent with a length, as those that are not streams are; others chunked. */
class Body {
  readonly headers: Record<string, string>;
  readonly #chunks: Uint8Array<ArrayBuffer>[];
  readonly #reader: Reader | undefined;

  private constructor(
    chunks: Uint8Array<ArrayBuffer>[],
    reader: Reader | undefined,
    headers: Record<string, string>,
  ) {
    this.headers = headers;
    this.#chunks = chunks;
    this.#reader = reader;
  }

  /** Reads up to two chunks, unless the headers give the length, to find out whether the body can be sent with a length. */
  static async open(request: Request): Promise<Body> {
    const { body, method, signal } = request;
    if (!body) {
      return new Body([], undefined, ["POST", "PUT", "PATCH"].includes(method) ? { "content-length": "0" } : {});
    }
    const reader = openReader(body);
    if (isSizedStream(request)) return new Body([], reader, {});
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    try {
      for (let i = 0; i < 2; i++) {
        const chunk = await abortable(reader.read(), signal);
        if (!chunk) return new Body(chunks, undefined, { "content-length": `${chunks[0]?.length ?? 0}` });
        chunks.push(chunk);
      }
    } catch (error) {
      await reader.cancel(error).catch(() => {});
      throw error;
    }
    return new Body(chunks, reader, { "transfer-encoding": "chunked" });
  }

  async sendTo(message: ClientRequest): Promise<void> {
    for (const chunk of this.#chunks) await write(message, chunk);
    for (let chunk; (chunk = await this.#reader?.read(chunk));) await write(message, chunk);
    message.end();
  }

  async cancel(reason: unknown): Promise<void> {
    await this.#reader?.cancel(reason).catch(() => {});
  }
}

/** Writes a chunk and waits until the connection has taken it, after which its buffer may be overwritten. */
async function write(message: ClientRequest, chunk: Uint8Array): Promise<void> {
  if (message.destroyed) throw new Error("the connection ended");
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const end = () => reject(new Error("the connection ended"));
  message.once("close", end);
  message.write(chunk, (error) => error ? reject(error) : resolve());
  try {
    await promise;
  } finally {
    message.off("close", end);
  }
}

/** Returns a failure as the `TypeError` that `fetch` throws, with the system's error code. Errors of the body are passed on. */
function toFetchError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof TypeError || isManifestsError(error)) return error;
  const { code } = error as Error & { code?: unknown };
  const isComplete = typeof code !== "string" || error.message.includes(code);
  return new TypeError(isComplete ? error.message : `${code}: ${error.message}`);
}
