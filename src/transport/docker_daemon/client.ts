import { type ByteStream, decodeUtf8, readStream } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import type { DaemonEndpoint } from "./endpoint.ts";
import { readLoadResult } from "./load_result.ts";

/** Newest version of the API that was tried; daemons are asked for this one or their own, whichever is older. */
const MAX_VERSION = [1, 54];
/** Oldest version that has everything used here, and the oldest that newer daemons can be configured to serve. */
const MIN_VERSION = [1, 24];
/** Maximum size of an error's document, in bytes. */
const MAX_ERROR = 64 * 1024;

/** A request to a daemon. */
interface DaemonRequest {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: ByteStream;
  readonly signal: AbortSignal | undefined;
}

/** A client for the API of a Docker daemon (Docker Engine API). Disposing closes its connections. */
export class DaemonClient implements Disposable {
  readonly #endpoint: DaemonEndpoint;
  readonly #http: Deno.HttpClient;
  #version: string | undefined;

  /** Creates a client; no request is sent. */
  constructor(endpoint: DaemonEndpoint) {
    this.#endpoint = endpoint;
    const { socket, tls } = endpoint;
    this.#http = Deno.createHttpClient({
      ...(socket === undefined ? {} : { proxy: { transport: "unix", path: socket } }),
      ...(tls?.ca === undefined ? {} : { caCerts: [tls.ca] }),
      ...(tls?.cert === undefined || tls.key === undefined ? {} : { cert: tls.cert, key: tls.key }),
    } as Deno.CreateHttpClientOptions);
  }

  [Symbol.dispose](): void {
    this.#http.close();
  }

  /**
   * Passes an image to `receive` as a tar archive in the format of `docker save`, and returns its result.
   *
   * @throws {ManifestsError} With code `NOT_FOUND` if the daemon has no such image, `NETWORK` or `TRANSPORT_IO`. Errors of
   * `receive` are passed on.
   */
  async getImage<T>(name: string, receive: (archive: ByteStream) => Promise<T>): Promise<T> {
    const response = await this.#send(`images/get?names=${encodeURIComponent(name)}`, { signal: undefined });
    const { ok, body } = response;
    if (ok && body) return await this.#explainBreak(() => receive(body as ByteStream));
    const problem = await readProblem(response);
    const isMissing = response.status === 404 || /not known|no such image|does not exist/i.test(problem);
    throw new ManifestsError(isMissing ? "NOT_FOUND" : "TRANSPORT_IO", `Cannot read ${name} of ${this}: ${problem}`);
  }

  /**
   * Sends an archive in the format of `docker save`, and waits until the daemon has stored its images.
   *
   * @throws {ManifestsError} With code `TRANSPORT_IO` if the daemon reports an error, or `NETWORK`.
   */
  async loadImages(archive: ByteStream, signal?: AbortSignal): Promise<void> {
    const response = await this.#send("images/load?quiet=1", {
      method: "POST",
      headers: { "content-type": "application/x-tar" },
      body: archive,
      signal,
    });
    const problem = response.ok
      ? await this.#explainBreak(() => readLoadResult(response.body as ByteStream | null))
      : await readProblem(response);
    if (problem === undefined) return;
    throw new ManifestsError("TRANSPORT_IO", `Cannot write to ${this}: it reported ${JSON.stringify(problem)}`);
  }

  /** Explains the error of a connection that breaks in an answer, for which the runtime has no class of its own. */
  async #explainBreak<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new ManifestsError("NETWORK", `Cannot read the answer of ${this}: ${error.message}`, { cause: error });
    }
  }

  toString(): string {
    return `the Docker daemon at ${this.#endpoint.host}`;
  }

  async #send(path: string, request: DaemonRequest): Promise<Response> {
    try {
      this.#version ??= await this.#negotiate(request.signal);
    } catch (error) {
      // Otherwise, an archive that is not sent would keep its file open.
      await request.body?.cancel(error);
      throw error;
    }
    return await this.#fetch(`/v${this.#version}/${path}`, request);
  }

  /** Returns the newest version of the API that both sides have. A daemon that does not report one gets the newest. */
  async #negotiate(signal: AbortSignal | undefined): Promise<string> {
    const response = await this.#fetch("/_ping", { method: "HEAD", signal });
    await response.body?.cancel();
    const theirs = parseVersion(response.headers.get("api-version"));
    if (!theirs) return MAX_VERSION.join(".");
    if (isOlder(theirs, MIN_VERSION)) {
      throw new ManifestsError(
        "TRANSPORT_IO",
        `Cannot use ${this}: its API version ${theirs.join(".")} is older than ${MIN_VERSION.join(".")}: update Docker`,
      );
    }
    return (isOlder(theirs, MAX_VERSION) ? theirs : MAX_VERSION).join(".");
  }

  async #fetch(path: string, { signal, ...init }: DaemonRequest): Promise<Response> {
    try {
      const options = { ...init, client: this.#http, ...(signal ? { signal } : {}) };
      return await fetch(`${this.#endpoint.url}${path}`, options);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (error instanceof Deno.errors.NotCapable) throw error;
      const reason = describeFailure(error);
      throw new ManifestsError(
        "NETWORK",
        `Cannot connect to ${this} (${this.#endpoint.origin}): ${reason}: start it, or set DOCKER_HOST`,
      );
    }
  }
}

/** Returns the system's reason of a failed `fetch`, without the URL, whose host is a placeholder for sockets. */
function describeFailure(error: unknown): string {
  const { cause, message } = error as Error;
  const text = cause instanceof Error ? cause.message : message;
  return /client error \(\w+\): (.*)/s.exec(text)?.[1] ?? text;
}

function parseVersion(text: string | null): number[] | undefined {
  const match = /^(\d{1,4})\.(\d{1,4})$/.exec(text ?? "");
  return match ? [Number(match[1]), Number(match[2])] : undefined;
}

function isOlder([major, minor]: readonly number[], [otherMajor, otherMinor]: readonly number[]): boolean {
  return major! < otherMajor! || (major === otherMajor && minor! < otherMinor!);
}

/** Reads the message of an error: JSON with `message`, or plain text. */
async function readProblem(response: Response): Promise<string> {
  const bytes = response.body ? await readStream(response.body as ByteStream, MAX_ERROR) : undefined;
  const text = decodeUtf8(bytes ?? new Uint8Array()).trim();
  try {
    const { message } = JSON.parse(text);
    if (typeof message === "string") return message;
  } catch {
    // Not JSON: the text itself is the message.
  }
  return text || `it answered ${response.status}`;
}
