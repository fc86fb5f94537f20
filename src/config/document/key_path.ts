/** Path of a value in a document: keys of tables and indexes of arrays. */
export type KeyPath = readonly (string | number)[];

/** Formats a key path as in `registry[1].mirror[0].location`. */
export function formatKeyPath(path: KeyPath): string {
  return path.map((step) => typeof step === "number" ? `[${step}]` : `.${step}`).join("").replace(/^\./, "");
}
