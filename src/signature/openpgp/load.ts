/** The OpenPGP library. It is loaded on first use, because most programs never verify an OpenPGP signature. */
export type OpenPgp = typeof import("openpgp");

/** Loads the OpenPGP library on first use. */
export async function loadOpenPgp(): Promise<OpenPgp> {
  return await import("openpgp");
}
