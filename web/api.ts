import type { ImageValidation, Inspection } from "../src/actions/room.ts";
import { askForLogin } from "./login.ts";

/** Name of the item of `sessionStorage` with the value of the header `authorization`. It is gone with the tab. */
const CREDENTIALS = "authorization";

/** A request that the server refused. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Describes an image. */
export async function inspect(image: string): Promise<Inspection> {
  return await send("inspect", { image }) as Inspection;
}

/** Checks an image for problems. */
export async function validate(image: string): Promise<ImageValidation> {
  return await send("validate", { image }) as ImageValidation;
}

/** Returns whether there are credentials. */
export function isLoggedIn(): boolean {
  return sessionStorage.getItem(CREDENTIALS) !== null;
}

/** Forgets the credentials. */
export function logOut(): void {
  sessionStorage.removeItem(CREDENTIALS);
}

/**
 * Sends a request and returns its answer. Asks for credentials, and sends it again, as long as they are refused.
 *
 * @param body Body of a `POST` request; default: a `GET` request.
 */
export async function send(path: string, body?: unknown): Promise<unknown> {
  for (;;) {
    const response = await fetch(path, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        accept: "application/json",
        ...(isLoggedIn() ? { authorization: sessionStorage.getItem(CREDENTIALS)! } : {}),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      // Neither cookies nor passwords that the browser has stored are sent, and it does not ask for any.
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.ok) return JSON.parse(text);
    const error = readError(response.status, text);
    if (response.status !== 401) throw error;
    const credentials = await askForLogin(isLoggedIn() ? error.message : undefined);
    if (credentials === undefined) throw error;
    sessionStorage.setItem(CREDENTIALS, credentials);
  }
}

/** Reads the error of an answer of the service, or of a registry. */
function readError(status: number, text: string): ApiError {
  try {
    const { error, errors } = JSON.parse(text);
    const { code, message } = error ?? errors[0];
    return new ApiError(status, String(code), String(message));
  } catch {
    return new ApiError(status, "", `The server answered ${status}`);
  }
}
