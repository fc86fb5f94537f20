/** The library, loaded when it is first needed: most programs never meet a signature. */
export type OpenPgp = typeof import("openpgp");

/** Loads the library. */
export async function loadOpenPgp(): Promise<OpenPgp> {
  return await import("openpgp");
}
