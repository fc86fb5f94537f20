import { findRetryAfter, readStream } from "../internal/room.ts";
import { getBody } from "./body.ts";
import { getChallenges } from "./challenge.ts";
import { redactUrl } from "./redact.ts";
import type { HttpResponse } from "./http_types.ts";
import { isObject } from "../json/room.ts";
import { type ErrorCode, ManifestsError, type ManifestsErrorOptions } from "../spec/room.ts";

/** Maximum number of bytes of an error response that are read. */
export const MAX_ERROR_BODY = 64 * 1024;

/** One error that a registry reported (distribution-spec, "Error Codes"). */
export interface Diagnostic {
  /** The registry's code, such as `MANIFEST_UNKNOWN`. */
  readonly code: string;
  /** Message of the registry, on one line; may be empty. */
  readonly message: string;
}

/** Text that precedes the status and the registry's own text in messages. */
const ANSWERED = "the registry answered";

/**
 * Removes the texts of registries from the message of a {@linkcode RegistryError}, or of an error that quotes one: a
 * registry may repeat secrets that were sent to it.
 */
export function withoutAnswers(message: string): string {
  return message.replace(new RegExp(`(${ANSWERED} \\d+): [^]*`), "$1");
}

/** An error response of a registry, or of its token service. Its `code` follows from the status and the diagnostics. */
export class RegistryError extends ManifestsError {
  /** Name of the error class: `RegistryError`. */
  override readonly name: string = "RegistryError";
  /** HTTP status of the response. */
  readonly status: number;
  /** HTTP method of the request. */
  readonly method: string;
  /** URL of the request, without user information and query. */
  readonly url: string;
  /** Errors that the registry reported, with its own codes. Empty if the body has none. */
  readonly diagnostics: readonly Diagnostic[];
  /** Time to wait before the next attempt, in milliseconds; `undefined` if the registry did not send `Retry-After`. */
  readonly retryAfter: number | undefined;

  /** Creates the error for a response. */
  constructor(
    answer: {
      status: number;
      method: string;
      url: string;
      diagnostics: readonly Diagnostic[];
      retryAfter?: number | undefined;
      /** The response is a rate limit. Default: decided by its status and diagnostics. */
      isRateLimit?: boolean;
      /** Advice that is added to the message. Default: none. */
      hint?: string | undefined;
    },
    options?: ManifestsErrorOptions,
  ) {
    const { status, method, diagnostics, hint } = answer;
    const url = redactUrl(answer.url);
    const text = diagnostics.map(({ code, message }) => message ? `${code}: ${message}` : code).join("; ");
    super(
      answer.isRateLimit ? "TOO_MANY_REQUESTS" : toErrorCode(status, diagnostics),
      `Cannot ${method} ${url}: ${ANSWERED} ${status}${text && `: ${text}`}${hint === undefined ? "" : `; ${hint}`}`,
      options,
    );
    this.status = status;
    this.method = method;
    this.url = url;
    this.diagnostics = diagnostics;
    this.retryAfter = answer.retryAfter;
  }
}

/** Codes with which registries reject the content of a manifest (container-libs `isManifestInvalidError`). */
const REJECTIONS: readonly string[] = ["MANIFEST_INVALID", "TAG_INVALID", "MANIFEST_BLOB_UNKNOWN"];

function isRejection({ code, message }: Diagnostic): boolean {
  // Amazon's registry answers this for media types that it does not know.
  return REJECTIONS.includes(code) || (code === "UNSUPPORTED" && message.includes("Invalid JSON syntax"));
}

/** Returns whether an error is a rate limit. GitHub answers 403 and reports the rate limit only in the text. */
export function isRateLimit({ code, message }: Diagnostic): boolean {
  return /^too_?many_?requests$/i.test(code) || /\brate limit/i.test(message);
}

/** Returns whether an error means "not found". Red Hat's registry and Harbor report that only in the text. */
function isMissing({ code, message }: Diagnostic): boolean {
  return code === "UNKNOWN" && /\bnot found\b/i.test(message);
}

function toErrorCode(status: number, diagnostics: readonly Diagnostic[]): ErrorCode {
  if (status === 401) return "UNAUTHORIZED";
  if (status === 403 && diagnostics.some(isRateLimit)) return "TOO_MANY_REQUESTS";
  // 412 is a policy, such as immutable tags or vulnerable images; `writeSeenTag` detects that it was a lost race.
  if (status === 403 || status === 412) return "DENIED";
  if (status === 404) return "NOT_FOUND";
  if (status === 429) return "TOO_MANY_REQUESTS";
  if (status < 500 && diagnostics.some(isMissing)) return "NOT_FOUND";
  if (diagnostics.some(isRejection)) return "MANIFEST_REJECTED";
  return "REGISTRY_ERROR";
}

/** Returns a server's text as one line without control characters, at most 1000 UTF-16 units long. */
function clean(text: string): string {
  // deno-lint-ignore no-control-regex -- Control characters are removed because they could control a terminal.
  return text.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ").trim().slice(0, 1000);
}

/** Reads the errors in the body of an error response: JSON of the specification, XML of object stores, HTML or text. */
export function parseDiagnostics(body: string, contentType: string): Diagnostic[] {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    const xml = /<Error>\s*<Code>([^<]*)<\/Code>\s*<Message>([^<]*)<\/Message>/.exec(body);
    // Object stores, to which registries redirect, answer with XML.
    if (xml) return [{ code: clean(xml[1]!), message: clean(xml[2]!) }];
    const title = /<title>([^<]*)<\/title>/i.exec(body)?.[1];
    const text = clean(contentType.includes("html") || title ? title ?? "an HTML page" : body.split("\n")[0]!);
    return text ? [{ code: "UNKNOWN", message: text }] : [];
  }
  if (!isObject(value)) return [];
  const errors = Array.isArray(value.errors) ? value.errors : [value];
  return errors.filter(isObject).slice(0, 32).map((error) => ({
    code: clean(String(error.code ?? "UNKNOWN")),
    message: clean(
      [clean(String(error.message ?? error.details ?? "")), detailText(error.detail)].filter(Boolean).join(": "),
    ),
  }));
}

function detailText(detail: unknown): string {
  return detail === undefined || detail === null ? "" : JSON.stringify(detail).slice(0, 300);
}

/** Returns the reasons for which a 401 rejects a token (RFC 6750 §3). */
function readTokenErrors(response: Response): Diagnostic[] {
  if (response.status !== 401) return [];
  return getChallenges(response).flatMap(({ parameters }) => {
    const code = parameters.get("error");
    return code === undefined ? [] : [{ code: clean(code), message: clean(parameters.get("error_description") ?? "") }];
  });
}

/** Reads an error response to its end and returns the error for it. Rejects with the signal's reason on abort. */
export async function readError(method: string, answer: HttpResponse): Promise<RegistryError> {
  const { response, url, hint } = answer;
  const bytes = await readStream(getBody(answer), MAX_ERROR_BODY).catch(() => undefined);
  answer.signal?.throwIfAborted();
  const reported = parseDiagnostics(new TextDecoder().decode(bytes), response.headers.get("content-type") ?? "");
  return new RegistryError({
    status: response.status,
    method,
    url,
    diagnostics: [...readTokenErrors(response), ...reported],
    retryAfter: findRetryAfter(response.headers),
    isRateLimit: response.status === 403 && response.headers.has("retry-after"),
    hint,
  });
}
