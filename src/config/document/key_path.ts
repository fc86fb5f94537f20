/** The way to a value in a document: keys, and indexes in arrays. */
export type KeyPath = readonly (string | number)[];

/** A key path as people write it: `registry[1].mirror[0].location`. */
export function formatKeyPath(path: KeyPath): string {
  return path.map((step) => typeof step === "number" ? `[${step}]` : `.${step}`).join("").replace(/^\./, "");
}
