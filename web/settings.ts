/** Settings that the server of the page passes to it. */
export interface PageSettings {
  /** Kind of server: the service, a registry, or the command `inspect --web`. */
  readonly kind: "service" | "registry" | "inspect";
  /** Images that `inspect --web` shows; two are compared. Default: none. */
  readonly images?: readonly string[] | undefined;
  /** Whether the service has a fan-in. Default: `false`. */
  readonly fanIn?: boolean | undefined;
}

/** Reads the settings of this page. */
export function readSettings(): PageSettings {
  return JSON.parse(document.body.dataset.settings!);
}
