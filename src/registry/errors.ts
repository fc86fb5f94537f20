import { findRetryAfter, readStream } from "../internal/room.ts";
import { getBody } from "./body.ts";
import { parseChallenges } from "./challenge.ts";
import { redactUrl } from "./redact.ts";
import type { HttpResponse } from "./http_types.ts";
import { isObject } from "../json/room.ts";
import { type ErrorCode, ManifestsError, type ManifestsErrorOptions } from "../spec/room.ts";

/** How much of an error answer is read, in bytes. */
export const MAX_ERROR_BODY = 64 * 1024;

/** One error that a registry reported (distribution-spec, Error Codes). */
export interface Diagnostic {
  /** The registry's code, such as `MANIFEST_UNKNOWN`. */
  readonly code: string;
  /** The registry's message. */
  readonly message: string;
}

/** What stands in messages before the status and what the registry said. */
const ANSWERED = "as the registry answered";

/**
 * A message without what registries said, which may repeat what they were told in confidence: of a
 * {@linkcode RegistryError}, or of an error that tells of one.
 */
export function withoutAnswers(message: string): string {
  return message.replace(new RegExp(`(${ANSWERED} \\d+): [^]*`), "$1");
}

/** A registry answered, but not with success. */
export class RegistryError extends ManifestsError {
  /** Error name. */
  override readonly name: string = "RegistryError";
  /** HTTP status. */
  readonly status: number;
  /** HTTP method of the request. */
  readonly method: string;
  /** URL of the request, without user information and query. */
  readonly url: string;
  /** What the registry said, in its own codes. */
  readonly diagnostics: readonly Diagnostic[];
  /** Milliseconds to wait before another attempt, where the registry said so. */
  readonly retryAfter: number | undefined;

  /** Creates the error for an answer. */
  constructor(
    answer: {
      status: number;
      method: string;
      url: string;
      diagnostics: readonly Diagnostic[];
      retryAfter?: number | undefined;
      /** Whether the answer is a rate limit, whatever its status and text. Default: as they say. */
      isRateLimit?: boolean;
      /** What a person should know about it, for the message. Default: nothing. */
      hint?: string | undefined;
    },
    options?: ManifestsErrorOptions,
  ) {
    const { status, method, diagnostics, hint } = answer;
    const url = redactUrl(answer.url);
    const said = diagnostics.map(({ code, message }) => message ? `${code}: ${message}` : code).join("; ");
    super(
      answer.isRateLimit ? "TOO_MANY_REQUESTS" : toErrorCode(status, diagnostics),
      `Cannot ${method} ${url} ${ANSWERED} ${status}${said && `: ${said}`}${hint === undefined ? "" : `; ${hint}`}`,
      options,
    );
    this.status = status;
    this.method = method;
    this.url = url;
    this.diagnostics = diagnostics;
    this.retryAfter = answer.retryAfter;
  }
}

/** What registries say when they findProblem a manifest for what it is (container-libs `isManifestInvalidError`). */
const REJECTIONS: readonly string[] = ["MANIFEST_INVALID", "TAG_INVALID", "MANIFEST_BLOB_UNKNOWN"];

function isRejection({ code, message }: Diagnostic): boolean {
  // Amazon's registry says this of types that it does not know.
  return REJECTIONS.includes(code) || (code === "UNSUPPORTED" && message.includes("Invalid JSON syntax"));
}

/** GitHub answers 403 to whoever asks too often, and reports the reason only in the text. */
export function isRateLimit({ code, message }: Diagnostic): boolean {
  return /^too_?many_?requests$/i.test(code) || /\brate limit/i.test(message);
}

/** Some say only in words that something is not there (Red Hat's registry, Harbor). */
function isMissing({ code, message }: Diagnostic): boolean {
  return code === "UNKNOWN" && /\bnot found\b/i.test(message);
}

function toErrorCode(status: number, diagnostics: readonly Diagnostic[]): ErrorCode {
  if (status === 401) return "UNAUTHORIZED";
  if (status === 403 && diagnostics.some(isRateLimit)) return "TOO_MANY_REQUESTS";
  // 412 is a policy, such as immutable tags or vulnerable images; a lost race is what `writeSeenTag` makes of it.
  if (status === 403 || status === 412) return "DENIED";
  if (status === 404) return "NOT_FOUND";
  if (status === 429) return "TOO_MANY_REQUESTS";
  if (status < 500 && diagnostics.some(isMissing)) return "NOT_FOUND";
  if (diagnostics.some(isRejection)) return "MANIFEST_REJECTED";
  return "REGISTRY_ERROR";
}

/** One line without control characters, for text that a server chose. */
function clean(text: string): string {
  // deno-lint-ignore no-control-regex -- Removing them is the point: they could drive a terminal.
  return text.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ").trim().slice(0, 1000);
}

export function parseDiagnostics(body: string, contentType: string): Diagnostic[] {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    const xml = /<Error>\s*<Code>([^<]*)<\/Code>\s*<Message>([^<]*)<\/Message>/.exec(body);
    // What object stores say, to which registries redirect.
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

/** What a 401 says of the token that it refuses (RFC 6750 §3). */
function refusedTokens(response: Response): Diagnostic[] {
  if (response.status !== 401) return [];
  return parseChallenges(response.headers.get("www-authenticate") ?? "").flatMap(({ parameters }) => {
    const code = parameters.get("error");
    return code === undefined ? [] : [{ code: clean(code), message: clean(parameters.get("error_description") ?? "") }];
  });
}

/** Reads an unsuccessful answer to its end and makes an error of it. Rejects with the signal's reason on abort. */
export async function readError(method: string, answer: HttpResponse): Promise<RegistryError> {
  const { response, url, hint } = answer;
  const bytes = await readStream(getBody(answer), MAX_ERROR_BODY).catch(() => undefined);
  answer.signal?.throwIfAborted();
  const said = parseDiagnostics(new TextDecoder().decode(bytes), response.headers.get("content-type") ?? "");
  return new RegistryError({
    status: response.status,
    method,
    url,
    diagnostics: [...refusedTokens(response), ...said],
    retryAfter: findRetryAfter(response.headers),
    isRateLimit: response.status === 403 && response.headers.has("retry-after"),
    hint,
  });
}
